"""A second SEAGULL-7B for parity tests: slow and plain, written from the description alone, knowing nothing of ours.

Everything is fp32, one region a call, nothing is kept between calls. The functions stand in the description's order.
It imports neither package of this project, and must not: two independent readings are the point.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F
from PIL import Image

SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)
PREFIX = (
    "<image>\nThis provides an overview of the image.\n Please answer the following questions about the provided "
    "region. Note: Distortions include: blur, colorfulness, compression, contrast exposure and noise.\n Here is the "
    "region <global><local>. "
)
QUALITY = "Analyze the quality of this region."
IMPORTANCE = (
    "Consider the impact of this region on the overall image quality. "
    "Analyze its importance to the overall image quality."
)
DISTORTION = "Provide the distortion type of this region."

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
LEVELS = ("res2", "res3", "res4", "res5")
VISUAL = "model.vision_tower.vision_tower.visual.trunk"
BOS, EOS = 1, 2

Weights = dict[str, torch.Tensor]


def read_weights(folder: Path) -> Weights:
    """Read every tensor that the index names, as fp32."""
    places = json.loads((folder / "pytorch_model.bin.index.json").read_text(encoding="utf-8"))["weight_map"]
    weights: Weights = {}
    for shard in sorted(set(places.values())):
        loaded = torch.load(folder / shard, map_location="cpu", weights_only=True)
        weights |= {key: tensor.float() for key, tensor in loaded.items()}
    return weights


def preprocess(image: np.ndarray, side: int) -> torch.Tensor:
    """Image uint8 RGB (H, W, 3) to (1, 3, side, side) with CLIP's mean and deviation."""
    height, width = image.shape[:2]
    # The text names HF's CLIPImageProcessor: shortest edge, and that one cuts the longer edge down to a whole number.
    short = min(height, width)
    size = (int(side * width / short), int(side * height / short))
    small = Image.fromarray(image).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    values = np.asarray(small, dtype=np.float32) / 255.0
    values = (values - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    tensor = torch.from_numpy(values).permute(2, 0, 1)[None]
    return F.interpolate(tensor, size=(side, side), mode="bilinear", align_corners=False)


def crop_of(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cut the tight box of mask > 0 out of the image, without its last row and column."""
    rows, columns = np.nonzero(mask > 0)
    if rows.size == 0:
        raise ValueError("The mask is empty: the original has no box for it.")
    x0, y0 = int(columns.min()), int(rows.min())
    w, h = int(columns.max()) - x0, int(rows.max()) - y0
    if w == 0 or h == 0:
        raise ValueError("The mask is one pixel wide or high: the original cuts an empty crop.")
    return image[y0 : y0 + h, x0 : x0 + w]


def nearest(mask: np.ndarray, side: int) -> np.ndarray:
    """Resize a mask (H, W) to (side, side) as cv2.resize with INTER_NEAREST."""
    height, width = mask.shape
    if (height, width) == (side, side):
        return mask
    # OpenCV divides twice (scale = 1 / (side / size)), which now and then lands a hair below a whole number.
    rows = np.floor(np.arange(side) * (1.0 / (side / height))).astype(int)
    columns = np.floor(np.arange(side) * (1.0 / (side / width))).astype(int)
    return mask[np.minimum(rows, height - 1)][:, np.minimum(columns, width - 1)]


def square_mask(mask: np.ndarray, side: int) -> torch.Tensor:
    """Mask (H, W) to float {0, 1} (1, 1, side, side)."""
    squeezed = nearest(mask.astype(np.float32), side) > 0.1
    return torch.from_numpy(squeezed.astype(np.float32))[None, None]


def affine(weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    """Apply a Linear that has a bias."""
    return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def layer_norm(weights: Weights, name: str, x: torch.Tensor, eps: float) -> torch.Tensor:
    """LayerNorm over the last axis."""
    return F.layer_norm(x, (x.shape[-1],), weights[f"{name}.weight"], weights[f"{name}.bias"], eps)


def channel_norm(weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    """LayerNorm over the channels of an NCHW map."""
    return layer_norm(weights, name, x.permute(0, 2, 3, 1), 1e-6).permute(0, 3, 1, 2)


def attention(weights: Weights, name: str, queries: torch.Tensor, keys: torch.Tensor, heads: int) -> torch.Tensor:
    """Attention with biases; queries (Q, width) ask keys (K, width), which are the values also; gives (Q, width)."""
    q = affine(weights, f"{name}.q_proj", queries)
    k = affine(weights, f"{name}.k_proj", keys)
    v = affine(weights, f"{name}.v_proj", keys)
    width = q.shape[1] // heads
    gathered = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        scores = q[:, part] @ k[:, part].T / math.sqrt(width)
        gathered.append(torch.softmax(scores, dim=-1) @ v[:, part])
    return affine(weights, f"{name}.out_proj", torch.cat(gathered, dim=1))


def convnext_block(weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    """Depthwise 7 x 7, norm, two Linear with GELU, layer scale, residual."""
    y = F.conv2d(x, weights[f"{name}.conv_dw.weight"], weights[f"{name}.conv_dw.bias"], padding=3, groups=x.shape[1])
    y = layer_norm(weights, f"{name}.norm", y.permute(0, 2, 3, 1), 1e-6)
    y = affine(weights, f"{name}.mlp.fc2", F.gelu(affine(weights, f"{name}.mlp.fc1", y)))
    return x + (weights[f"{name}.gamma"] * y).permute(0, 3, 1, 2)


def trunk(weights: Weights, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Pixels (1, 3, S, S) to res2 .. res5, strides 4, 8, 16, 32; no norm at the end."""
    x = F.conv2d(pixels, weights[f"{VISUAL}.stem.0.weight"], weights[f"{VISUAL}.stem.0.bias"], stride=4)
    x = channel_norm(weights, f"{VISUAL}.stem.1", x)
    features = {}
    for stage, level in enumerate(LEVELS):
        if stage:
            down = f"{VISUAL}.stages.{stage}.downsample"
            x = channel_norm(weights, f"{down}.0", x)
            x = F.conv2d(x, weights[f"{down}.1.weight"], weights[f"{down}.1.bias"], stride=2)
        number = 0
        while f"{VISUAL}.stages.{stage}.blocks.{number}.gamma" in weights:
            x = convnext_block(weights, f"{VISUAL}.stages.{stage}.blocks.{number}", x)
            number += 1
        features[level] = x
    return features


def projector(weights: Weights, res4: torch.Tensor) -> torch.Tensor:
    """res4 (1, C, h, w) to image tokens (h * w, hidden), row by row."""
    tokens = res4[0].flatten(1).T
    hidden = F.gelu(affine(weights, "model.mm_projector.0", tokens))
    return affine(weights, "model.mm_projector.2", hidden)


def pool(feature: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of a feature (1, C, h, w) over the cells that the mask (1, 1, S, S) touches: (1, C)."""
    small = F.interpolate(mask, size=feature.shape[-2:], mode="bilinear", align_corners=False)
    on = (small > 0).float()
    return (feature * on).sum(dim=(2, 3)) / (on.sum() + 1e-8)


def cross_block(weights: Weights, a: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Put a region's basic feature (1, embed) through the one block that all levels share; keys (C, embed)."""
    name = "mask_extractor.cross_att_res"
    # Normalised (PyTorch's default eps, 1e-5) after the residual; nothing normalises the last sum.
    x = layer_norm(weights, f"{name}.norm1", a + attention(weights, f"{name}.self_attn", a, a, 8), 1e-5)
    x = layer_norm(weights, f"{name}.norm2", x + attention(weights, f"{name}.cross_attn", x, keys, 8), 1e-5)
    return x + affine(weights, f"{name}.mlp.lin2", F.relu(affine(weights, f"{name}.mlp.lin1", x)))


def global_branch(weights: Weights, features: dict[str, torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
    """Features res2 .. res5 and the square mask to the global token (1, hidden)."""
    basic, crossed = [], []
    for level in LEVELS:
        a = affine(weights, f"mask_extractor.{level}", pool(features[level], mask))
        keys = affine(weights, f"mask_extractor.g_{level}", features[level][0].flatten(1))
        basic.append(a)
        crossed.append(cross_block(weights, a, keys))
    c = affine(weights, "mask_extractor.cross_feat_linear", torch.stack(crossed).sum(0))
    b = affine(weights, "mask_extractor.feat_linear", torch.stack(basic).sum(0))
    return affine(weights, "mask_extractor.final_mlp", torch.cat([c, b], dim=1))


def local_branch(weights: Weights, crop: torch.Tensor) -> torch.Tensor:
    """The preprocessed crop (1, 3, S, S) to the local token (1, hidden)."""
    x = crop
    for name in ("mask_extractor.global_vit.0", "mask_extractor.global_vit.3"):
        x = F.avg_pool2d(F.gelu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"])), 4)
    x = x.flatten(1)
    x = attention(weights, "mask_extractor.sa", x, x, 8)
    x = F.relu(affine(weights, "mask_extractor.mlp.layers.0", x))
    x = F.relu(affine(weights, "mask_extractor.mlp.layers.1", x))
    return affine(weights, "mask_extractor.mlp.layers.2", x)


def rms_norm(weights: Weights, name: str, x: torch.Tensor, eps: float) -> torch.Tensor:
    """LLaMA's norm over the last axis."""
    return weights[f"{name}.weight"] * (x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def rotate(x: torch.Tensor) -> torch.Tensor:
    """Turn (T, width) by its positions; the pairs are (i, i + width / 2), as HF's LLaMA has them."""
    length, width = x.shape
    # The checkpoint's inv_freq is ignored, as the text says; base 10000 is LLaMA's.
    frequency = 1.0 / 10000.0 ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = torch.arange(length, dtype=torch.float32)[:, None] * frequency[None]
    first, second = x[:, : width // 2], x[:, width // 2 :]
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=1)


def self_attention(weights: Weights, name: str, x: torch.Tensor, heads: int) -> torch.Tensor:
    """Causal attention without biases over (T, hidden)."""
    q, k, v = (F.linear(x, weights[f"{name}.{part}_proj.weight"]) for part in "qkv")
    width = q.shape[1] // heads
    future = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
    gathered = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        scores = rotate(q[:, part]) @ rotate(k[:, part]).T / math.sqrt(width)
        gathered.append(torch.softmax(scores.masked_fill(future, -math.inf), dim=-1) @ v[:, part])
    return F.linear(torch.cat(gathered, dim=1), weights[f"{name}.o_proj.weight"])


def decoder(weights: Weights, x: torch.Tensor, heads: int, eps: float) -> torch.Tensor:
    """Embeddings (T, hidden) to logits (T, vocabulary)."""
    number = 0
    while f"model.layers.{number}.input_layernorm.weight" in weights:
        layer = f"model.layers.{number}"
        y = rms_norm(weights, f"{layer}.input_layernorm", x, eps)
        x = x + self_attention(weights, f"{layer}.self_attn", y, heads)
        y = rms_norm(weights, f"{layer}.post_attention_layernorm", x, eps)
        gate = F.silu(F.linear(y, weights[f"{layer}.mlp.gate_proj.weight"]))
        up = F.linear(y, weights[f"{layer}.mlp.up_proj.weight"])
        x = x + F.linear(gate * up, weights[f"{layer}.mlp.down_proj.weight"])
        number += 1
    return F.linear(rms_norm(weights, "model.norm", x, eps), weights["lm_head.weight"])


def finish(text: str) -> str:
    """Trim an answer as the original does."""
    text = text.strip()
    if text.endswith("</s>"):
        text = text[: -len("</s>")]
    text = text.strip()
    if ":" in text:
        text = text.split(":")[1]
    # The text says neither that sentences are stripped before they are compared nor that the result is: they are not.
    kept: list[str] = []
    for sentence in text.split("."):
        if not sentence:
            continue
        if sentence in kept:
            break
        kept.append(sentence)
    return "".join(f"{sentence}." for sentence in kept)


class Reference:
    """The public model read from a folder in its layout; slow, fp32, on the CPU."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        added = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
        self.weights = read_weights(folder)
        self.heads = int(config["num_attention_heads"])
        self.eps = float(config["rms_norm_eps"])
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        self.added = {"<global>": int(added["<global>"]), "<local>": int(added["<local>"])}
        # res2 has stride 4 and its keys are whole flattened maps: the side of the input stands in that width.
        self.side = 4 * math.isqrt(self.weights["mask_extractor.g_res2.weight"].shape[1])

    def ids_of(self, text: str) -> list[int]:
        """Token ids of a text that may hold added tokens; each piece between them gets its own leading blank."""
        ids: list[int] = []
        for piece in re.split("(<global>|<local>)", text):
            ids += [self.added[piece]] if piece in self.added else self.pieces.encode(piece)
        return ids

    def prompt_ids(self, question: str, answer: str = "") -> tuple[list[int], list[int]]:
        """Ids before the image, with BOS, and after it; an answer's beginning follows "ASSISTANT:" and a blank."""
        prompt = f"{SYSTEM} USER: {PREFIX}{question} ASSISTANT:" + (f" {answer}" if answer else "")
        before, after = prompt.split("<image>")
        return [BOS, *self.ids_of(before)], self.ids_of(after)

    @torch.no_grad()
    def features(self, image: np.ndarray) -> dict[str, torch.Tensor]:
        """res2 .. res5 of an image uint8 (H, W, 3): each (1, C, h, w)."""
        return trunk(self.weights, preprocess(image, self.side))

    @torch.no_grad()
    def image_features(self, image: np.ndarray) -> torch.Tensor:
        """Image tokens (cells, hidden) of an image uint8 (H, W, 3)."""
        return projector(self.weights, self.features(image)["res4"])

    @torch.no_grad()
    def region_tokens(self, image: np.ndarray, mask: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Global and local token, each (hidden,), of the region that mask (H, W) marks."""
        whole = global_branch(self.weights, self.features(image), square_mask(mask, self.side))
        local = local_branch(self.weights, preprocess(crop_of(image, mask), self.side))
        return whole[0], local[0]

    @torch.no_grad()
    def embeddings(self, image: np.ndarray, mask: np.ndarray, question: str, answer: str = "") -> torch.Tensor:
        """Return the whole prompt (T, hidden), image and region tokens in their places."""
        before, after = self.prompt_ids(question, answer)
        mark = self.added["<global>"]
        if after.count(mark) != 1 or after[after.index(mark) + 1] != self.added["<local>"]:
            raise ValueError("The prompt must hold <global><local> exactly once.")
        at = after.index(mark)
        table = self.weights["model.embed_tokens.weight"]
        region = torch.stack(self.region_tokens(image, mask))
        parts = [table[before], self.image_features(image), table[after[:at]], region, table[after[at + 2 :]]]
        return torch.cat(parts)

    @torch.no_grad()
    def logits(self, image: np.ndarray, mask: np.ndarray, question: str, answer_stem: str = "") -> torch.Tensor:
        """Logits (T, vocabulary) at every position of the prompt and the answer's beginning."""
        return decoder(self.weights, self.embeddings(image, mask, question, answer_stem), self.heads, self.eps)

    @torch.no_grad()
    def greedy(self, image: np.ndarray, mask: np.ndarray, question: str, max_new_tokens: int) -> list[int]:
        """Ids of the likeliest answer, word by word; ends with EOS where that comes, as HF's generate does."""
        inputs = self.embeddings(image, mask, question)
        ids: list[int] = []
        while len(ids) < max_new_tokens and EOS not in ids:
            ids.append(int(decoder(self.weights, inputs, self.heads, self.eps)[-1].argmax()))
            inputs = torch.cat([inputs, self.weights["model.embed_tokens.weight"][ids[-1:]]])
        return ids

    def text(self, ids: list[int]) -> str:
        """Return the words of generated ids, without special and added tokens, trimmed as the original does."""
        return finish(self.pieces.decode([id for id in ids if id > EOS and id < self.pieces.get_piece_size()]))
