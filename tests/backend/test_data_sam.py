"""Regions by Segment Anything: its own code at toy size, with random weights in a real file."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import segment_anything
import torch

from seagull_iqa.data import sam
from seagull_iqa.errors import CheckpointError


def toy(checkpoint: str | None = None):
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    encoder = ImageEncoderViT(
        img_size=64, patch_size=16, embed_dim=16, depth=1, num_heads=2, out_chans=16, use_rel_pos=True,
        global_attn_indexes=(0,), norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    prompts = PromptEncoder(embed_dim=16, image_embedding_size=(4, 4), input_image_size=(64, 64), mask_in_chans=4)
    transformer = TwoWayTransformer(depth=1, embedding_dim=16, mlp_dim=32, num_heads=2)
    decoder = MaskDecoder(
        num_multimask_outputs=3, transformer=transformer, transformer_dim=16, iou_head_depth=2, iou_head_hidden_dim=16
    )
    network = Sam(encoder, prompts, decoder)
    if checkpoint is not None:
        network.load_state_dict(torch.load(checkpoint, weights_only=True))
    return network


@pytest.fixture
def toy_registry(monkeypatch):
    monkeypatch.setitem(segment_anything.sam_model_registry, "vit_b", toy)
    generator = partial(
        segment_anything.SamAutomaticMaskGenerator, points_per_side=3, pred_iou_thresh=-1e9,
        stability_score_thresh=-1.0, box_nms_thresh=1.0,
    )  # fmt: skip
    monkeypatch.setattr(segment_anything, "SamAutomaticMaskGenerator", generator)


def test_masks_come_from_a_file_of_weights_the_largest_first(tmp_path, toy_registry):
    torch.manual_seed(1)
    torch.save(toy().state_dict(), tmp_path / "sam_vit_b.pth")
    propose = sam.sam_proposals(tmp_path / "sam_vit_b.pth", "cpu")
    found = propose(np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8))
    assert found
    sizes = [int(mask.sum()) for _kind, mask in found]
    assert sizes == sorted(sizes, reverse=True)
    assert all(mask.shape == (48, 64) and mask.dtype == bool for _kind, mask in found)
    assert {kind for kind, _mask in found} <= {"object", "component"}


def test_a_file_that_holds_something_else_is_refused(tmp_path, toy_registry):
    torch.save({"x": torch.zeros(1)}, tmp_path / "vit_b é.pth")
    with pytest.raises(CheckpointError, match="holds no weights of SAM"):
        sam.sam_proposals(tmp_path / "vit_b é.pth", "cpu")
