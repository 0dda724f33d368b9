"""Where models can be fetched from, pinned: repository, revision, files and what is known of their hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

SHARD_1 = "pytorch_model-00001-of-00002.bin"
SHARD_2 = "pytorch_model-00002-of-00002.bin"


@dataclass(frozen=True)
class Source:
    """A model on a hub.

    Attributes
    ----------
    repo : str
        "owner/name".
    revision : str
        How the pinned revision's 40 hexadecimal letters begin; nothing else is accepted. Empty: the newest of `main` on
        the day of the download, which the manifest then names.
    needed, welcome : tuple of str
        Names of the files without which there is no model, and of those taken where they are there. No other file is
        ever fetched, so no program is.
    pinned : mapping of str to str
        File name -> SHA-256 in hex that is known from elsewhere than the hub.
    nbytes : int
        Of the whole download, about; the hub says it exactly.
    site : str
        Address of a folder of plain files, all of them pinned, where the model is on no hub; `repo` is then empty.
    gated : bool
        Given out only to who accepted its licence on the hub: HF_TOKEN is sent along.
    """

    repo: str
    revision: str
    needed: tuple[str, ...]
    welcome: tuple[str, ...] = ()
    pinned: Mapping[str, str] = field(default_factory=dict)
    nbytes: int = 0
    site: str = ""
    gated: bool = False

    @property
    def page(self) -> str:
        """Where a person can read of it."""
        return self.site or f"https://huggingface.co/{self.repo}"


SOURCES: Mapping[str, Source] = MappingProxyType({
    "seagull-7b": Source(
        repo="Zevin2023/SEAGULL-7B",
        revision="3705ca7",
        needed=(
            "config.json", "pytorch_model.bin.index.json", "added_tokens.json", "tokenizer.model", SHARD_1, SHARD_2,
        ),
        welcome=("generation_config.json", "special_tokens_map.json", "tokenizer_config.json"),
        pinned={SHARD_1: "2ed0f6720a64043c30c071da27b78a87fcf1a945b44954edeac3df3ff0c952bf"},
        # 14,122,027,444 of tensors by the index, and about 0.6 MB of tokenizer, index and frames of the archives.
        nbytes=14_122_700_000,
    )
})  # fmt: skip
"""Models that can be downloaded, by name."""
