"""The original Segment Anything (Kirillov et al. 2023), from its checkpoints `.pth`, over the package segment-anything.

All sizes are read from the tensors, so fine-tuned checkpoints of whatever name work too, and a small one in tests.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from seagull_iqa.errors import BackendMissingError, CheckpointError
from seagull_iqa.segmenting.sam_engine import SamEngine
from seagull_iqa.segmenting.sam_everything import Grid
from seagull_iqa.segmenting.sam_frame import SquareKind
from seagull_iqa.segmenting.sam_network import Embedding, Foreign, SamPrompt, file_identity, readable_memory_errors

PACKAGES = ("segment_anything", "torchvision")
_DECODER_HEADS = 8
_TABLE = "image_encoder.blocks.{}.attn.rel_pos_h"

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class SamSizes:
    """What the shapes of a checkpoint's tensors say of its network.

    Attributes
    ----------
    width, depth, heads, patch : int
        Of the image encoder.
    cells : int
        Patches along a side of the square.
    window : int
        Patches along a side of a local block's window.
    everywhere : tuple of int
        The blocks whose attention is global.
    channels, mask_channels, layers, feed : int
        Of the embedding; of the mask prompt; of the decoder: its depth and the width of its feed-forward part.
    score_layers, score_width : int
        Of the head that predicts IoU.
    """

    width: int
    depth: int
    heads: int
    patch: int
    cells: int
    window: int
    everywhere: tuple[int, ...]
    channels: int
    mask_channels: int
    layers: int
    feed: int
    score_layers: int
    score_width: int

    @classmethod
    def of(cls, state: State) -> SamSizes:
        """Read the shapes; `KeyError` or `ValueError` where these are no weights of SAM."""
        width, _, patch, _ = state["image_encoder.patch_embed.proj.weight"].shape
        cells = int(state["image_encoder.pos_embed"].shape[1])
        depth = _count(state, "image_encoder.blocks.")
        tables = [state[_TABLE.format(block)].shape for block in range(depth)]
        reaches = [(int(length) + 1) // 2 for length, _ in tables]
        everywhere = tuple(block for block, reach in enumerate(reaches) if reach == cells)
        scores = "mask_decoder.iou_prediction_head.layers."
        return cls(
            width=width,
            depth=depth,
            heads=width // int(tables[0][1]),
            patch=patch,
            cells=cells,
            window=next((reach for reach in reaches if reach != cells), 0),
            everywhere=everywhere,
            channels=int(state["prompt_encoder.no_mask_embed.weight"].shape[1]),
            mask_channels=int(state["prompt_encoder.mask_downscaling.3.weight"].shape[0]),
            layers=_count(state, "mask_decoder.transformer.layers."),
            feed=int(state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0]),
            score_layers=_count(state, scores),
            score_width=int(state[f"{scores}0.weight"].shape[0]),
        )

    @property
    def kind(self) -> str:
        """ "ViT-B" ..., by the width of the encoder."""
        return {768: "ViT-B", 1024: "ViT-L", 1280: "ViT-H"}.get(self.width, f"ViT of width {self.width}")


def _count(state: State, before: str) -> int:
    numbers = {name.removeprefix(before).partition(".")[0] for name in state if name.startswith(before)}
    return len(numbers)


def build_network(sizes: SamSizes) -> Foreign:
    """A `segment_anything.modeling.Sam` of these sizes, with random weights."""
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    side = sizes.cells * sizes.patch
    encoder = ImageEncoderViT(
        img_size=side, patch_size=sizes.patch, embed_dim=sizes.width, depth=sizes.depth, num_heads=sizes.heads,
        out_chans=sizes.channels, norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), use_rel_pos=True,
        window_size=sizes.window, global_attn_indexes=sizes.everywhere,
    )  # fmt: skip
    prompts = PromptEncoder(
        embed_dim=sizes.channels, image_embedding_size=(sizes.cells, sizes.cells), input_image_size=(side, side),
        mask_in_chans=sizes.mask_channels,
    )  # fmt: skip
    transformer = TwoWayTransformer(
        depth=sizes.layers, embedding_dim=sizes.channels, mlp_dim=sizes.feed, num_heads=_DECODER_HEADS
    )
    decoder = MaskDecoder(
        num_multimask_outputs=3, transformer=transformer, transformer_dim=sizes.channels,
        iou_head_depth=sizes.score_layers, iou_head_hidden_dim=sizes.score_width,
    )  # fmt: skip
    return Sam(encoder, prompts, decoder)


class OriginalNetwork:
    """`SamNetwork` over the package's own modules.

    Parameters
    ----------
    sam : segment_anything.modeling.Sam
    sizes : SamSizes
    device : str
    """

    def __init__(self, sam: Foreign, sizes: SamSizes, device: str) -> None:
        self.device = torch.device(device)
        self.kind = SquareKind(side=sizes.cells * sizes.patch, low=4 * sizes.cells, padded=True)
        self.shapes = ((1, sizes.channels, sizes.cells, sizes.cells),)
        self._sam = sam.to(self.device).eval()

    def encode(self, pixels: Tensor) -> Embedding:
        """Look at a square, float32, shape (1, 3, side, side)."""
        return (self._sam.image_encoder(pixels),)

    def decode(self, embedding: Embedding, prompt: SamPrompt, *, multimask: bool) -> tuple[Tensor, Tensor]:
        """Logits, shape (B, M, low, low), and predicted IoU, shape (B, M)."""
        encoder = self._sam.prompt_encoder
        points = None if prompt.points is None else (prompt.points, prompt.labels)
        sparse, dense = encoder(points=points, boxes=prompt.boxes, masks=prompt.masks)
        low, scores = self._sam.mask_decoder(
            image_embeddings=embedding[0], image_pe=encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense, multimask_output=multimask,
        )  # fmt: skip
        return low, scores


def load_original(path: Path, *, name: str, device: str, grid: Grid | None = None) -> SamEngine:
    """The engine of a checkpoint `.pth`.

    Raises
    ------
    BackendMissingError
        A package is not installed.
    CheckpointError
        The file holds something else; a pickle that would run a program is refused.
    OutOfMemoryError
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise BackendMissingError(
            f"SAM's checkpoints want the package {missing[0]}.", 'Run `pip install "napari-seagull[sam]"`.'
        )
    state = _read(path)
    try:
        sizes = SamSizes.of(state)
        sam = build_network(sizes)
        sam.load_state_dict(state)
    except (KeyError, ValueError, RuntimeError, IndexError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"{path.name} holds no weights of the original SAM.", "Give sam_vit_b_01ec64.pth or another of its kind."
        ) from error
    with readable_memory_errors():
        network = OriginalNetwork(sam, sizes, device)
    return SamEngine(name, file_identity(path), network, grid)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path.name} is no checkpoint that can be read safely.",
            "`seagull models list` shows which can be downloaded.",
        ) from error
    # Fine-tuned ones may lie one level deeper.
    inner = state.get("model", state) if isinstance(state, dict) else None
    if not isinstance(inner, dict) or not all(isinstance(value, Tensor) for value in inner.values()):
        raise CheckpointError(f"{path.name} holds no tensors by name.", "Give a checkpoint of SAM.")
    return inner
