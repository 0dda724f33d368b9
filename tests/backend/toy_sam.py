"""Small random networks of the SAM family: the original file, the same weights as transformers names them, and kin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seagull_iqa.segmenting.original_sam import SamSizes, build_network

SIZES = SamSizes(
    width=32, depth=2, heads=2, patch=8, cells=12, window=5, everywhere=(1,), channels=32, mask_channels=8, layers=2,
    feed=48, score_layers=3, score_width=24,
)  # fmt: skip
"""A square of 96 px, 12 x 12 cells, masks of 48 x 48."""

SEED = 15


def loud(network: torch.nn.Module, seed: int = 5) -> None:
    """Random weights that make every part matter; those that a network starts with are nearly nothing."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.named_parameters():
        noise = torch.randn(value.shape, generator=generator)
        if value.ndim < 2:
            value.data.copy_(noise * 0.2 + (1.0 if "norm" in name and "weight" in name else 0.0))
        else:
            value.data.copy_(noise * value[0].numel() ** -0.5)
        if "hypernetworks" in name and name.endswith(("layers.2.weight", "proj_out.weight")):
            # Masks with logits from about -10 to 10, as real ones have.
            value.data.mul_(60.0)


def original() -> Any:
    torch.manual_seed(SEED)
    network = build_network(SIZES).eval()
    loud(network, SEED)
    return network


def write_original(path: Path) -> Any:
    network = original()
    torch.save(network.state_dict(), path)
    return network


_NAMES = (
    (r"^image_encoder", "vision_encoder"),
    (r"^(vision_encoder)\.blocks", r"\1.layers"),
    (r"^(vision_encoder)\.patch_embed\.proj", r"\1.patch_embed.projection"),
    (r"\.norm([12])\.", r".layer_norm\1."),
    (r"neck\.0", "neck.conv1"),
    (r"neck\.1", "neck.layer_norm1"),
    (r"neck\.2", "neck.conv2"),
    (r"neck\.3", "neck.layer_norm2"),
    (r"prompt_encoder\.mask_downscaling\.0", "prompt_encoder.mask_embed.conv1"),
    (r"prompt_encoder\.mask_downscaling\.1", "prompt_encoder.mask_embed.layer_norm1"),
    (r"prompt_encoder\.mask_downscaling\.3", "prompt_encoder.mask_embed.conv2"),
    (r"prompt_encoder\.mask_downscaling\.4", "prompt_encoder.mask_embed.layer_norm2"),
    (r"prompt_encoder\.mask_downscaling\.6", "prompt_encoder.mask_embed.conv3"),
    (r"prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix",
     "shared_image_embedding.positional_embedding"),
    (r"point_embeddings", "point_embed"),
    (r"mask_decoder\.output_upscaling\.0", "mask_decoder.upscale_conv1"),
    (r"mask_decoder\.output_upscaling\.1", "mask_decoder.upscale_layer_norm"),
    (r"mask_decoder\.output_upscaling\.3", "mask_decoder.upscale_conv2"),
    (r"(mask_decoder\.transformer.*)\.norm([1-4])\.", r"\1.layer_norm\2."),
    (r"mask_decoder\.transformer\.norm_final_attn", "mask_decoder.transformer.layer_norm_final_attn"),
    (r"(hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.0\.", r"\1.proj_in."),
    (r"(hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.2\.", r"\1.proj_out."),
    (r"(hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.1\.", r"\1.layers.0."),
)  # fmt: skip
"""What the original calls a part, and what transformers calls it; heads have three layers here, as published."""


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {}
    for name, value in state.items():
        new = name
        for pattern, by in _NAMES:
            new = re.sub(pattern, by, new)
        found[new] = value
    shared = "shared_image_embedding.positional_embedding"
    found[f"prompt_encoder.{shared.replace('image_', '')}"] = found[shared]
    return found


def write_transformers(folder: Path, state: dict[str, Tensor]) -> None:
    """The same weights as a folder of transformers."""
    from transformers import SamConfig, SamModel

    side = SIZES.patch * SIZES.cells
    config = SamConfig(
        vision_config={
            "hidden_size": SIZES.width, "num_hidden_layers": SIZES.depth, "num_attention_heads": SIZES.heads,
            "image_size": side, "patch_size": SIZES.patch, "output_channels": SIZES.channels,
            "window_size": SIZES.window, "global_attn_indexes": list(SIZES.everywhere),
            "num_pos_feats": SIZES.channels // 2,
        },
        prompt_encoder_config={
            "hidden_size": SIZES.channels, "image_size": side, "patch_size": SIZES.patch,
            "mask_input_channels": SIZES.mask_channels,
        },
        mask_decoder_config={
            "hidden_size": SIZES.channels, "mlp_dim": SIZES.feed, "num_hidden_layers": SIZES.layers,
            "iou_head_depth": SIZES.score_layers, "iou_head_hidden_dim": SIZES.score_width,
        },
    )  # fmt: skip
    model = SamModel(config)
    model.load_state_dict(renamed(state), strict=True)
    model.save_pretrained(folder)


_HIERA = {
    "hidden_size": 16, "image_size": [64, 64], "blocks_per_stage": [1, 1, 2, 1],
    "embed_dim_per_stage": [16, 32, 64, 128], "num_attention_heads_per_stage": [1, 1, 2, 2],
    "window_size_per_stage": [8, 4, 4, 2], "global_attention_blocks": [3], "num_query_pool_stages": 3,
    "window_positional_embedding_background_size": [4, 4],
}  # fmt: skip
_DECODER = {
    "hidden_size": 32, "mlp_dim": 48, "num_attention_heads": 4, "iou_head_hidden_dim": 24, "num_hidden_layers": 2
}


def _prompts(side: int, patch: int) -> dict[str, Any]:
    return {"hidden_size": 32, "image_size": side, "patch_size": patch, "mask_input_channels": 8}


def sam2() -> Any:
    from transformers import Sam2Config, Sam2Model

    vision = {
        "backbone_config": {"model_type": "sam2_hiera_det_model", **_HIERA},
        "backbone_channel_list": [128, 64, 32, 16], "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        "fpn_hidden_size": 32,
    }  # fmt: skip
    return Sam2Model(
        Sam2Config(vision_config=vision, prompt_encoder_config=_prompts(64, 16), mask_decoder_config=_DECODER)
    )


def edgetam() -> Any:
    from transformers import EdgeTamConfig, EdgeTamModel
    from transformers.models.timm_wrapper import TimmWrapperConfig

    backbone = TimmWrapperConfig(
        architecture="resnet10t", model_args={"in_chans": 3, "features_only": True, "out_indices": [1, 2, 3, 4]}
    )
    vision = {
        "backbone_config": backbone.to_dict(), "backbone_channel_list": [512, 256, 128, 64],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]], "fpn_hidden_size": 32,
    }  # fmt: skip
    return EdgeTamModel(
        EdgeTamConfig(vision_config=vision, prompt_encoder_config=_prompts(64, 16), mask_decoder_config=_DECODER)
    )


def sam3() -> Any:
    from transformers import Sam3TrackerConfig, Sam3TrackerModel

    vision = {
        "model_type": "sam3_vision_model",
        "backbone_config": {
            "model_type": "sam3_vit_model", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": 84, "patch_size": 14, "window_size": 3,
            "global_attn_indexes": [1], "pretrain_image_size": 42,
        },
        "fpn_hidden_size": 32, "backbone_feature_sizes": [[24, 24], [12, 12], [6, 6]],
    }  # fmt: skip
    return Sam3TrackerModel(
        Sam3TrackerConfig(vision_config=vision, prompt_encoder_config=_prompts(84, 14), mask_decoder_config=_DECODER)
    )


KIN = {"sam2.1": sam2, "edgetam": edgetam, "sam3": sam3}


def write_kin(name: str, folder: Path) -> None:
    torch.manual_seed(2)
    model = KIN[name]().eval()
    loud(model)
    model.save_pretrained(folder)


_MEMORY = {
    "memory_attention_hidden_size": 32, "memory_attention_num_layers": 1, "memory_encoder_hidden_size": 32,
    "memory_attention_feed_forward_hidden_size": 32, "memory_encoder_output_channels": 16,
}  # fmt: skip


def _parts(config: Any, side: int) -> dict[str, Any]:
    named = ("vision_config", "prompt_encoder_config", "mask_decoder_config")
    return {name: getattr(config, name).to_dict() for name in named} | {"image_size": side, **_MEMORY}


def write_film(name: str, folder: Path) -> Any:
    """The network for films, as the hub's folders hold it; the engines take the part that sees one image."""
    from transformers import Sam2VideoConfig, Sam2VideoModel, Sam3VideoConfig, Sam3VideoModel

    torch.manual_seed(2)
    if name == "sam2.1":
        model: Any = Sam2VideoModel(Sam2VideoConfig(**_parts(sam2().config, 64)))
    else:
        tracker = _parts(sam3().config, 84)
        small = {"hidden_size": 32, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        text = {
            "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
            "vocab_size": 50, "projection_dim": 32, "eos_token_id": 2, "bos_token_id": 1,
        }  # fmt: skip
        detector = {
            "vision_config": tracker["vision_config"], "text_config": text, "geometry_encoder_config": small,
            "detr_encoder_config": small, "detr_decoder_config": {**small, "num_queries": 5},
            "mask_decoder_config": {"hidden_size": 32, "num_attention_heads": 2},
        }  # fmt: skip
        model = Sam3VideoModel(Sam3VideoConfig(detector_config=detector, tracker_config=tracker))
    loud(model)
    model.save_pretrained(folder)
    _unstutter(folder / "model.safetensors")
    return model


def _unstutter(path: Path) -> None:
    """transformers 5.24 writes the tracker's prefix twice where the published file has it once."""
    from safetensors.torch import load_file, save_file

    once = {name.replace("tracker_model.tracker_model.", "tracker_model."): t for name, t in load_file(path).items()}
    save_file(once, path, metadata={"format": "pt"})
