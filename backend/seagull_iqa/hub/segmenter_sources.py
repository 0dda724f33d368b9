"""Which engines that find regions have weights to be fetched: from where, how large, and under which licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from seagull_iqa.hub.sources import Source

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_APACHE = "Apache-2.0."
_SAM3 = "SAM License of Meta: its own terms, to be accepted at https://huggingface.co/facebook/sam3."
_SITE = "https://dl.fbaipublicfiles.com/segment_anything"


@dataclass(frozen=True)
class Segmenter:
    """An engine with weights.

    Attributes
    ----------
    title : str
        One line for a person.
    source : Source
    licence : str
    packages : tuple of str
        Modules that it needs.
    """

    title: str
    source: Source
    licence: str
    packages: tuple[str, ...]

    @property
    def weights(self) -> str:
        """Name of the file with the weights."""
        return next(name for name in self.source.needed if name != CONFIG)


_ORIGINAL = ("torch", "segment_anything", "torchvision")
_TRANSFORMERS = ("torch", "safetensors", "transformers")


def _original(title: str, file: str, sha256: str, nbytes: int) -> Segmenter:
    # The letters in a file's name begin its MD5, not its SHA-256.
    source = Source("", "", (file,), pinned={file: sha256}, nbytes=nbytes, site=_SITE)
    return Segmenter(title, source, _APACHE, _ORIGINAL)


def _hub(title: str, repo: str, nbytes: int, *packages: str, licence: str = _APACHE) -> Segmenter:
    source = Source(repo, "", (CONFIG, WEIGHTS), ("LICENSE",), nbytes=nbytes, gated=licence == _SAM3)
    return Segmenter(title, source, licence, (*_TRANSFORMERS, *packages))


SEGMENTERS: Mapping[str, Segmenter] = MappingProxyType({
    "sam-vit-b": _original(
        "SAM ViT-B, the original checkpoint", "sam_vit_b_01ec64.pth",
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912", 375_042_383,
    ),
    "sam-vit-l": _original(
        "SAM ViT-L, the original checkpoint", "sam_vit_l_0b3195.pth",
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622", 1_249_524_607,
    ),
    "sam-vit-h": _original(
        "SAM ViT-H, the original checkpoint", "sam_vit_h_4b8939.pth",
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e", 2_564_550_879,
    ),
    "sam-vit-base": _hub("SAM ViT-B as transformers has it", "facebook/sam-vit-base", 375_000_000),
    "slimsam-50": _hub("SlimSAM, half of SAM's channels", "nielsr/slimsam-50-uniform", 112_000_000),
    "slimsam-77": _hub("SlimSAM, a quarter of SAM's channels", "nielsr/slimsam-77-uniform", 38_900_000),
    "sam2.1-hiera-tiny": _hub("SAM 2.1, tiny", "facebook/sam2.1-hiera-tiny", 155_900_000),
    "sam2.1-hiera-small": _hub("SAM 2.1, small", "facebook/sam2.1-hiera-small", 184_300_000),
    "sam2.1-hiera-base-plus": _hub("SAM 2.1, base", "facebook/sam2.1-hiera-base-plus", 323_500_000),
    "sam2.1-hiera-large": _hub("SAM 2.1, large", "facebook/sam2.1-hiera-large", 897_900_000),
    "edgetam": _hub("EdgeTAM, SAM 2 for phones", "yonigozlan/EdgeTAM-hf", 55_900_000, "timm"),
    "sam3": _hub("SAM 3, clicks only; wants a GPU", "facebook/sam3", 3_440_000_000, licence=_SAM3),
})  # fmt: skip
"""By name. Sizes of hub models are about right, from their numbers of parameters; the hub tells them exactly."""
