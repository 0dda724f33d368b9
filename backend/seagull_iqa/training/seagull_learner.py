"""The full model while it learns: which of its weights move, and how much its answers differ from the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import ignore_progress
from seagull_iqa.errors import BackendMissingError
from seagull_iqa.models.full.checkpoint import filled_network
from seagull_iqa.models.full.layout import Layout
from seagull_iqa.models.full.network import SeagullNetwork
from seagull_iqa.training.seagull_pack import IMAGE, REGION, UNLABELLED, Packed

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Every Linear of the language model but its head, as in the original's training."""

PARTS = ("projector.", "extractor.")
"""What learns beside the adapters, where that is wished: as in the paper's recipe."""

IDLE = tuple(
    f"extractor.{block}.{kind}_proj." for block in ("sa", "cross_att_res.self_attn") for kind in "qk"
)
"""Of attention to one thing alone: they change no answer, so none of them learns; many GPUs would wait for them."""


@dataclass(frozen=True)
class Learns:
    """Which weights move.

    Attributes
    ----------
    vision : bool
        The image encoder; never beside adapters.
    rank : int
        Of the adapters (LoRA, arXiv 2106.09685) in the language model; 0 = no adapters, all of it learns.
    parts : bool
        With adapters: projector and region extractor learn too.
    """

    vision: bool = True
    rank: int = 0
    parts: bool = False

    @property
    def alpha(self) -> int:
        """The adapters' scale times their rank."""
        return 2 * self.rank

    def moves(self, name: str) -> bool:
        """True for a weight of the network, by name, that learns beside the adapters."""
        if name.startswith(IDLE):
            return False
        if self.rank:
            return self.parts and name.startswith(PARTS)
        return self.vision or not name.startswith("vision.")


class SeagullLearner(nn.Module):
    """The network with its loss, as the loop wants it."""

    def __init__(self, network: SeagullNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Packed) -> dict[str, Tensor]:
        """The mean cross-entropy of the answers' tokens, as "total", and the share of them that were right."""
        logits, told = self.logits(batch), batch.labels[batch.labels != UNLABELLED]
        loss = F.cross_entropy(logits.float(), told)
        return {"total": loss, "right": (logits.argmax(-1) == told).float().mean()}

    def logits(self, batch: Packed) -> Tensor:
        """What is expected at every labelled place, picture by picture: (n, vocabulary)."""
        language = self.network.language
        out = language.model(
            inputs_embeds=self._embedded(batch),
            attention_mask=batch.visible(),
            position_ids=batch.positions,
            use_cache=False,
        )
        result: Tensor = language.lm_head(out.last_hidden_state[batch.labels != UNLABELLED])
        return result

    def _embedded(self, batch: Packed) -> Tensor:
        """(B, L, hidden): words, and in their places the tokens of picture and regions."""
        image, region = self._seen(batch)
        embedded: Tensor = self.network.language.model.embed_tokens(batch.ids.clamp(min=0))
        for tokens, mark in ((image, IMAGE), (region[batch.about], REGION)):
            there = (batch.ids == mark)[..., None]
            embedded = embedded.masked_scatter(there, tokens.to(embedded.dtype))
        return embedded

    def _seen(self, batch: Packed) -> tuple[Tensor, Tensor]:
        """Tokens of the pictures (B, image tokens, hidden) and of the regions (R, 2, hidden)."""
        network = self.network
        levels = network.vision(batch.pictures)
        image = network.projector(levels[2].flatten(2).transpose(1, 2))
        found = []
        for number in range(len(batch.pictures)):
            own = tuple(level[number : number + 1] for level in levels)
            inside = batch.squares[batch.of == number]
            found.append(network.extractor.global_tokens(own, network.extractor.level_keys(own), inside))
        return image, torch.stack([torch.cat(found), network.extractor.local_tokens(batch.crops)], dim=1)


def learner(
    layout: Layout, learns: Learns, precision: Precision, *, checkpointing: bool, seed: int, device: str = "cpu"
) -> SeagullLearner:
    """The model of a folder, ready to learn.

    Parameters
    ----------
    precision : Precision
        In what numbers the weights that do not learn are kept, INT4 beside adapters (QLoRA, arXiv 2305.14314) too;
        those that learn are float32.
    checkpointing : bool
        Compute the language model's layers twice instead of keeping what is in between.
    seed : int
        Of the adapters' first weights.
    device : str
        Where the weights are put as they are read.
    """
    with torch.no_grad():
        network = filled_network(layout, torch.device(device), precision, ignore_progress)
    for name, value in network.named_parameters():
        if learns.moves(name):
            value.data = value.data.float()
            value.requires_grad = True
    if learns.rank:
        torch.manual_seed(seed)
        if precision is Precision.INT4:
            network.language.is_loaded_in_4bit = True  # type: ignore[assignment]  # so peft knows such layers
        add_adapters(network, learns)
    if checkpointing:
        network.language.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[no-untyped-call]
    return SeagullLearner(network)


def lora_config(learns: Learns, base: Path) -> Any:  # noqa: ANN401 - peft is not always there
    """How peft describes the adapters; without dropout, so that a run that was killed goes on to the same curve.

    Raises
    ------
    BackendMissingError
        peft is not installed.
    """
    try:
        from peft import LoraConfig
    except ModuleNotFoundError as error:
        raise BackendMissingError(
            "Adapters need a package that is not installed (peft).", 'Run: pip install "napari-seagull[train]"'
        ) from error
    return LoraConfig(
        r=learns.rank, lora_alpha=learns.alpha, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM",
        target_modules=list(TARGETS), base_model_name_or_path=str(base),
    )  # fmt: skip


def add_adapters(network: SeagullNetwork, learns: Learns) -> None:
    """Put adapters that change nothing yet into the language model; they alone learn, in float32."""
    config = lora_config(learns, Path())
    from peft import inject_adapter_in_model

    inject_adapter_in_model(config, network.language)
    for name, value in network.language.named_parameters():
        value.requires_grad = ".lora_" in name
        if ".lora_" in name:
            value.data = value.data.float()
