"""SAM, SlimSAM, SAM 2.1, EdgeTAM and SAM 3 as the package transformers has them, from a folder with safetensors.

Only the networks are transformers' own; images and prompts are prepared by `sam_frame`, as for the original SAM. No
program that lies beside weights is ever run, and nothing is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from seagull_iqa.errors import BackendMissingError, CheckpointError
from seagull_iqa.segmenting.sam_engine import SamEngine
from seagull_iqa.segmenting.sam_everything import Grid
from seagull_iqa.segmenting.sam_frame import SquareKind
from seagull_iqa.segmenting.sam_network import Embedding, Foreign, SamPrompt, file_identity, readable_memory_errors

CONFIG = "config.json"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Family:
    """A kind of network in transformers.

    Attributes
    ----------
    network : str
        Name of the class, which older versions of transformers may lack.
    packages : tuple of str
        What it needs besides torch.
    centred : bool
        Colours go to -1..1, not by the statistics of ImageNet.
    """

    network: str
    packages: tuple[str, ...] = ("transformers",)
    centred: bool = False


FAMILIES: Mapping[str, Family] = MappingProxyType({
    "sam": Family("SamModel"),
    "sam2": Family("Sam2Model"),
    "sam2_video": Family("Sam2Model"),
    "edgetam": Family("EdgeTamModel", ("transformers", "timm")),
    "edgetam_video": Family("EdgeTamModel", ("transformers", "timm")),
    "sam3_tracker": Family("Sam3TrackerModel", centred=True),
    "sam3_tracker_video": Family("Sam3TrackerModel", centred=True),
    "sam3_video": Family("Sam3TrackerModel", centred=True),
})  # fmt: skip
"""By the model_type of config.json; the published folders name the video networks, whose image part is enough."""

_GREY = (127.5, 127.5, 127.5)


class TransformersNetwork:
    """`SamNetwork` over a network of transformers.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        SamModel, Sam2Model, EdgeTamModel or Sam3TrackerModel.
    device : str
    centred : bool
        See `Family`.
    """

    def __init__(self, model: Foreign, device: str, *, centred: bool = False) -> None:
        self.device = torch.device(device)
        self._model = model.to(self.device).eval()
        self._many = not _is_first(model)
        self.kind = _square(model, padded=not self._many, centred=centred)
        self.shapes = _shapes(model)

    def encode(self, pixels: Tensor) -> Embedding:
        """Look at a square, float32, shape (1, 3, side, side)."""
        found = self._model.get_image_embeddings(pixels)
        return tuple(found) if self._many else (found,)

    def decode(self, embedding: Embedding, prompt: SamPrompt, *, multimask: bool) -> tuple[Tensor, Tensor]:
        """Logits, shape (B, M, low, low), and predicted IoU, shape (B, M)."""
        # transformers' first axis is the image, and ours, the masks of one image, its second.
        answer = self._model(
            image_embeddings=list(embedding) if self._many else embedding[0],
            input_points=None if prompt.points is None else prompt.points[None],
            input_labels=None if prompt.labels is None else prompt.labels[None],
            input_boxes=None if prompt.boxes is None else prompt.boxes[None],
            input_masks=prompt.masks,
            multimask_output=multimask,
        )
        return answer.pred_masks[0], answer.iou_scores[0]


def _is_first(model: Foreign) -> bool:
    return str(model.config.model_type) == "sam"


def _square(model: Foreign, *, padded: bool, centred: bool) -> SquareKind:
    prompts = model.config.prompt_encoder_config
    side, low = int(prompts.image_size), 4 * (int(prompts.image_size) // int(prompts.patch_size))
    if centred:
        return SquareKind(side, low, padded, mean=_GREY, std=_GREY)
    return SquareKind(side, low, padded)


def _shapes(model: Foreign) -> tuple[tuple[int, ...], ...]:
    config = model.config
    if _is_first(model):
        cells = int(config.prompt_encoder_config.image_embedding_size)
        return ((1, int(config.vision_config.output_channels), cells, cells),)
    wide, decoder = int(config.vision_config.fpn_hidden_size), int(config.mask_decoder_config.hidden_size)
    sizes = [tuple(int(side) for side in size) for size in model.backbone_feature_sizes]
    channels = (decoder // 8, decoder // 4, wide)
    return tuple((1, width, *size) for width, size in zip(channels, sizes, strict=True))


def family_of(folder: Path) -> Family:
    """What a folder's config.json says it holds.

    Raises
    ------
    CheckpointError
        It cannot be read, or names something else.
    """
    try:
        kind = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{CONFIG} in {folder} cannot be read.", "Download the engine again.") from error
    family = FAMILIES.get(str(kind))
    if family is None:
        raise CheckpointError(
            f"{folder.name} holds a {str(kind)[:40]}, and that finds no regions.",
            f"Known are {', '.join(sorted(FAMILIES))}.",
        )
    return family


def load_transformers(folder: Path, *, name: str, device: str, grid: Grid | None = None) -> SamEngine:
    """The engine of a folder with config.json and model.safetensors.

    Raises
    ------
    BackendMissingError
        A package is not installed, or is too old to know this network.
    CheckpointError
        The folder holds something else, or not all of it.
    OutOfMemoryError
    """
    family = family_of(folder)
    network_class = _class_of(family)
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(f"{folder} has no {WEIGHTS}.", "Only safetensors are read; download the engine again.")
    model = _loaded(network_class, folder)
    with readable_memory_errors():
        network = TransformersNetwork(model, device, centred=family.centred)
    return SamEngine(name, file_identity(folder / WEIGHTS), network, grid)


def _class_of(family: Family) -> Foreign:
    missing = [package for package in family.packages if find_spec(package) is None]
    if missing:
        raise BackendMissingError(
            f"This engine wants the package {missing[0]}.", 'Run `pip install "napari-seagull[sam]"`.'
        )
    import transformers

    try:
        return getattr(transformers, family.network)
    except AttributeError as error:
        raise BackendMissingError(
            f"The installed transformers {transformers.__version__} has no {family.network}.",
            "Run `pip install --upgrade transformers`.",
        ) from error


def _loaded(network_class: Foreign, folder: Path) -> Foreign:
    from safetensors import SafetensorError

    try:
        model, told = network_class.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32,
            output_loading_info=True,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise CheckpointError(
            f"The weights in {folder.name} do not fit {network_class.__name__}.", "Download the engine again."
        ) from error
    missing = sorted(told["missing_keys"])
    if missing:
        # transformers fills what is missing with random numbers.
        raise CheckpointError(
            f"{folder.name} lacks {len(missing)} tensors of {network_class.__name__}, the first being {missing[0]}.",
            "Download the engine again.",
        )
    return model
