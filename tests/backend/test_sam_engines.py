"""SAM's adapters, on small random networks of the real classes: the same weights in two layouts, held against SAM's own
predictor, and what goes wrong when an adapter does.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor, sam_model_registry
from segment_anything.utils.amg import batched_mask_to_box

from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import EverythingSpec, Prompts
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import (
    BackendMissingError,
    CheckpointError,
    ImageError,
    JobCancelledError,
    RegionError,
    ShapeMismatchError,
    UnknownModelError,
)
from seagull_iqa.segmenting import original_sam, sam_network, transformers_sam
from seagull_iqa.segmenting.engines import make_engine
from seagull_iqa.segmenting.original_sam import SamSizes, load_original
from seagull_iqa.segmenting.sam_everything import Grid
from seagull_iqa.segmenting.sam_frame import SamFrame, SquareKind, along_strokes
from seagull_iqa.segmenting.transformers_sam import Family, load_transformers

TOLERANCE = 1e-3
SIDE, LOW = 96, 48
"""Of the toy's square and of its small masks."""
SIZES = [(51, 77), (133, 71), (37, 201)]


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


toy_sam = _module("toy_sam")


@dataclass
class Pair:
    """The same weights: as SAM's own predictor, and through both engines."""

    predictor: SamPredictor
    engines: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("Gewichte für SAM")
    network = toy_sam.write_original(folder / "toy sam.pth")
    toy_sam.write_transformers(folder / "toy-hf", network.state_dict())
    places = {"original": folder / "toy sam.pth", "transformers": folder / "toy-hf"}
    return Pair(SamPredictor(network), {name: make_engine(str(place)) for name, place in places.items()}, folder)


@pytest.fixture(scope="module")
def kin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kin")
    for name in toy_sam.KIN:
        toy_sam.write_kin(name, folder / name)
    return folder


@pytest.fixture(params=list(toy_sam.KIN))
def kin(request: pytest.FixtureRequest, kin_folder: Path) -> Any:
    return make_engine(request.param, folder=kin_folder / request.param)


def picture(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (*shape, 3), np.uint8)


# --- the same as SAM's own predictor, through both engines ------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """What is pointed at in an image of height h and width w: for us in (row, col), for the predictor in (x, y)."""

    ours: Callable[[int, int], Prompts]
    theirs: Callable[[int, int], dict[str, Any]]


def _rectangle_logits(h: int, w: int) -> np.ndarray:
    """The mask prompt of the rectangle rows h/4..h/2, columns w/3..w, by its area alone."""
    scale = SIDE / max(h, w)
    sizes = int(h * scale + 0.5), int(w * scale + 0.5)
    shares = []
    for (first, last), length, scaled in (((h // 4, h // 2), h, sizes[0]), ((w // 3, w), w, sizes[1])):
        low, high = first * scaled / length / 2, last * scaled / length / 2
        cells = np.arange(LOW)
        shares.append(np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, None))
    inside = np.clip(np.outer(*shares), 0.001, 0.999)
    return np.log(inside / (1 - inside))[None]


def _mask(h: int, w: int) -> RegionMask:
    return RegionMask.from_box((h, w), (h // 4, w // 3, h // 2, w))


def _xy(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, np.float64)


CASES = {
    "a point": Case(
        lambda h, w: Prompts(positive=((3, w - 9),)),
        lambda h, w: {"point_coords": _xy((w - 9, 3)), "point_labels": np.array([1]), "multimask_output": True},
    ),
    "a negative point": Case(
        lambda h, w: Prompts(positive=((h // 2, w // 3),), negative=((h - 4, 2), (1, w - 2))),
        lambda h, w: {
            "point_coords": _xy((w // 3, h // 2), (2, h - 4), (w - 2, 1)), "point_labels": np.array([1, 0, 0])
        },
    ),
    "a box": Case(
        lambda h, w: Prompts(box=(4, 11, h - 5, w - 3)),
        lambda h, w: {"box": np.array([11, 4, w - 4, h - 6], np.float64)},
    ),
    "a box and points": Case(
        lambda h, w: Prompts(positive=((9, 20),), negative=((h - 3, w - 3),), box=(4, 11, h - 5, w - 3)),
        lambda h, w: {
            "point_coords": _xy((20, 9), (w - 3, h - 3)), "point_labels": np.array([1, 0]),
            "box": np.array([11, 4, w - 4, h - 6], np.float64),
        },
    ),
    "a mask and a point": Case(
        lambda h, w: Prompts(positive=((h // 3, w // 2),), mask=_mask(h, w)),
        lambda h, w: {
            "point_coords": _xy((w // 2, h // 3)), "point_labels": np.array([1]), "mask_input": _rectangle_logits(h, w)
        },
    ),
    "a mask alone, with its box": Case(
        lambda h, w: Prompts(mask=_mask(h, w)),
        lambda h, w: {
            "box": np.array([w // 3, h // 4, w - 1, h // 2 - 1], np.float64), "mask_input": _rectangle_logits(h, w)
        },
    ),
}  # fmt: skip


def differences(pair: Pair, case: Case, shape: tuple[int, int]) -> dict[str, float]:
    """Per engine the largest difference of its logits from the predictor's."""
    image = picture(shape)
    pair.predictor.set_image(image)
    told = {"multimask_output": False, **case.theirs(*shape)}
    wanted, scores, _ = pair.predictor.predict(**told, return_logits=True)
    assert wanted.std() > 100 * TOLERANCE, "logits without contrast prove nothing"
    found = {}
    for name, engine in pair.engines.items():
        logits, predicted = engine.logits(engine.look(image), case.ours(*shape))
        assert logits.shape == wanted.shape
        found[name] = max(float(np.abs(logits.numpy() - wanted).max()), float(np.abs(predicted.numpy() - scores).max()))
    return found


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("case", CASES)
def test_both_engines_give_the_logits_of_sams_own_predictor(pair: Pair, case: str, shape: tuple[int, int]) -> None:
    worst = differences(pair, CASES[case], shape)
    assert worst.keys() == {"original", "transformers"}
    assert max(worst.values()) < TOLERANCE, worst


def _swap(patch: pytest.MonkeyPatch) -> None:
    right = SamFrame.points
    patch.setattr(SamFrame, "points", lambda self, points: right(self, points)[:, ::-1].copy())


def _flip_labels(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sam_network, "_POSITIVE", 0)
    patch.setattr(sam_network, "_NEGATIVE", 1)


def _leave_box(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        SamFrame, "box", lambda self, box: np.array([box[1], box[0], box[3] - 1, box[2] - 1], np.float32)
    )  # fmt: skip


def _half_open(patch: pytest.MonkeyPatch) -> None:
    right = SamFrame.box
    patch.setattr(SamFrame, "box", lambda self, box: right(self, (box[0], box[1], box[2] + 1, box[3] + 1)))


def _stretch_mask(patch: pytest.MonkeyPatch) -> None:
    right = SamFrame.mask_logits

    def stretched(self: SamFrame, mask: RegionMask) -> np.ndarray:
        return right(SamFrame(self.shape, SquareKind(SIDE, LOW, padded=False)), mask)

    patch.setattr(SamFrame, "mask_logits", stretched)


def _stretch_image(patch: pytest.MonkeyPatch) -> None:
    right = SamFrame.pixels

    def stretched(self: SamFrame, image: np.ndarray) -> np.ndarray:
        return right(SamFrame(self.shape, SquareKind(SIDE, LOW, padded=False)), image)

    patch.setattr(SamFrame, "pixels", stretched)


ERRORS = {
    "(x, y) swapped": (_swap, "a point"),
    "(x, y) swapped in boxes": (_swap, "a box"),
    "label sign": (_flip_labels, "a point"),
    "label sign of a negative point": (_flip_labels, "a negative point"),
    "box not scaled": (_leave_box, "a box"),
    "box one pixel too large": (_half_open, "a box"),
    "mask not padded": (_stretch_mask, "a mask and a point"),
    "mask alone not padded": (_stretch_mask, "a mask alone, with its box"),
    "image not padded": (_stretch_image, "a point"),
}


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("error", ERRORS)
def test_a_planted_error_is_found_out_in_both_engines(
    pair: Pair, error: str, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, case = ERRORS[error]
    plant(monkeypatch)
    worst = differences(pair, CASES[case], shape)
    assert min(worst.values()) > 5 * TOLERANCE, worst


def test_the_square_is_what_the_package_makes_of_an_image(pair: Pair) -> None:
    image = picture((133, 71))
    pair.predictor.set_image(image)
    square = pair.predictor.transform.apply_image(image)
    wanted = pair.predictor.model.preprocess(torch.as_tensor(square).permute(2, 0, 1)[None].float())
    frame = SamFrame((133, 71), SquareKind(SIDE, LOW, padded=True))
    assert np.abs(frame.pixels(image) - wanted[0].numpy()).max() < 1e-5


@pytest.mark.parametrize(("processor", "centred"), [("Sam2ImageProcessor", False), ("Sam3ImageProcessor", True)])
def test_the_square_of_later_sams_is_nearly_that_of_transformers(processor: str, centred: bool) -> None:
    """transformers resizes by torchvision, which rounds otherwise than Pillow: by two levels of 255 at most."""
    import transformers

    image = picture((133, 71))
    theirs = getattr(transformers, processor)(size={"height": 64, "width": 64})(images=image, return_tensors="np")
    colours = {"mean": (127.5,) * 3, "std": (127.5,) * 3} if centred else {}
    frame = SamFrame((133, 71), SquareKind(64, 16, padded=False, **colours))
    levels = np.abs(frame.pixels(image) - theirs["pixel_values"][0]) * np.reshape(frame.kind.std, (3, 1, 1))
    assert levels.max() < 2.01


@pytest.mark.parametrize("box", [(3, 5, 20, 31), (0, 0, 51, 77), (7, 9, 8, 10)])
def test_a_half_open_box_has_the_corners_that_sam_itself_gives_a_mask(box: tuple[int, int, int, int]) -> None:
    mask = RegionMask.from_box((51, 77), box).pixels
    wanted = batched_mask_to_box(torch.from_numpy(mask)[None])[0].numpy()
    ours = SamFrame((51, 77), SquareKind(77, 77, padded=True)).box(box)
    assert np.array_equal(ours, wanted)


def test_points_beyond_the_image_are_its_nearest_pixels() -> None:
    frame = SamFrame((50, 100), SquareKind(200, 50, padded=True))
    assert np.allclose(frame.points([(-7, 300), (60, 2.25)]), [[198, 0], [4.5, 98]])


def test_strokes_become_points_evenly_along_them() -> None:
    points = np.array(along_strokes([[(0, 0), (0, 30), (30, 30)]], most=6))
    assert np.allclose(points, [(0, 5), (0, 15), (0, 25), (5, 30), (15, 30), (25, 30)])
    assert along_strokes([[(4, 9)]]) == [(4.0, 9.0)]
    assert along_strokes([[(1, 1), (1, 2)], [], [(5, 5), (5, 5)]]) == [(1.0, 1.25), (1.0, 1.75), (5.0, 5.0)]
    long, short = [(0.0, 0.0), (0.0, 90.0)], [(9.0, 0.0), (9.0, 30.0)]
    rows = [row for row, _ in along_strokes([long, short], most=12)]
    assert (rows.count(0.0), rows.count(9.0)) == (9, 3)


def test_a_stroke_means_what_its_points_mean(pair: Pair) -> None:
    engine, stroke = pair.engines["original"], ((5.0, 8.0), (30.0, 60.0))
    look = engine.look(picture((51, 77)))
    drawn, _ = engine.logits(look, Prompts(strokes=(stroke,)))
    clicked, _ = engine.logits(look, Prompts(positive=tuple(along_strokes([stroke]))))
    assert torch.equal(drawn, clicked)


# --- what an engine answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["original", "transformers"])
def test_one_click_has_three_masks_by_area_and_the_best_by_predicted_iou(pair: Pair, layout: str) -> None:
    engine = pair.engines[layout]
    look = engine.look(picture((51, 77)))
    prompts = Prompts(positive=((10, 20),))
    proposal = engine.mask(look, prompts)
    assert len(proposal.candidates) == 3
    areas = [one.mask.area for one in proposal.candidates]
    assert areas == sorted(areas)
    logits, scores = engine.logits(look, prompts)
    assert proposal.candidates[proposal.best].mask.area == int((logits[int(scores.argmax())] > 0).sum())
    assert all(one.mask.shape == (51, 77) and 0 <= one.stability <= 1 for one in proposal.candidates)


def test_more_than_a_click_has_one_mask(pair: Pair) -> None:
    engine = pair.engines["original"]
    look = engine.look(picture((51, 77)))
    for prompts in (Prompts(positive=((1, 2),), negative=((40, 60),)), Prompts(box=(5, 6, 30, 50))):
        assert len(engine.mask(look, prompts).candidates) == 1


def test_every_later_sam_gives_masks_of_the_images_exact_shape(kin: Any) -> None:
    for shape in SIZES:
        look = kin.look(picture(shape))
        assert look.shape == shape
        mask = RegionMask.from_box(shape, (3, 3, 20, 20))
        for prompts in (
            Prompts(positive=((3, shape[1] - 2),)),
            Prompts(positive=((3, 7),), negative=((1, 1),), box=(0, 0, 30, 30)),
            Prompts(mask=mask),
            Prompts(strokes=(((1, 1), (9, 9)),)),
        ):
            logits, scores = kin.logits(look, prompts)
            assert logits.shape[1:] == shape
            assert len(logits) == len(scores) == (3 if prompts.positive and not prompts.box else 1)
            assert bool(logits.isfinite().all()) and float(logits.std()) > 0


def test_later_sams_are_handed_x_and_y_of_the_stretched_square(kin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[dict[str, Any]] = []
    model = kin._network._model
    forward = model.forward

    def spy(**told: Any) -> Any:
        heard.append(told)
        return forward(**told)

    monkeypatch.setattr(model, "forward", spy)
    side = kin._network.kind.side
    image = picture((50, 80))
    prompts = Prompts(positive=((10, 60),), negative=((40, 4),), box=(5, 8, 25, 72))
    kin.logits(kin.look(image), prompts)
    mirrored = Prompts(positive=((60, 10),), negative=((4, 40),), box=(8, 5, 72, 25))
    kin.logits(kin.look(np.ascontiguousarray(image.transpose(1, 0, 2))), mirrored)
    first, second = heard
    y, x = side / 50, side / 80
    assert np.allclose(first["input_points"], [[[[60 * x, 10 * y], [4 * x, 40 * y]]]])
    assert first["input_labels"].tolist() == [[[1, 0]]]
    assert np.allclose(first["input_boxes"], [[[8 * x, 5 * y, 71 * x, 24 * y]]])
    assert np.allclose(second["input_points"], first["input_points"].flip(-1)), "a transposed image, transposed clicks"
    assert np.allclose(second["input_boxes"], first["input_boxes"][..., [1, 0, 3, 2]])


def _all(pair: Pair, kin_folder: Path) -> list[Any]:
    return [*pair.engines.values(), *(make_engine(name, folder=kin_folder / name) for name in toy_sam.KIN)]


def test_a_look_that_was_kept_on_disk_gives_the_same_answers(pair: Pair, kin_folder: Path, tmp_path: Path) -> None:
    for engine in _all(pair, kin_folder):
        look = engine.look(picture((51, 77)))
        np.savez(tmp_path / "look.npz", **engine.pack(look))
        with np.load(tmp_path / "look.npz", allow_pickle=False) as stored:
            again = engine.unpack(dict(stored))
        assert again.shape == look.shape and again.nbytes == look.nbytes > 0
        before, _ = engine.logits(look, Prompts(positive=((10, 20),)))
        after, _ = engine.logits(again, Prompts(positive=((10, 20),)))
        assert float((before - after).abs().max()) < 0.02 * float(before.max() - before.min())
        assert float(((before > 0) == (after > 0)).float().mean()) > 0.98
        twice = engine.pack(again)
        assert all(np.array_equal(twice[name], value) for name, value in engine.pack(look).items()), "kept twice"


def test_a_look_of_another_network_is_refused(pair: Pair, kin_folder: Path) -> None:
    engine, other = pair.engines["original"], make_engine("sam2.1", folder=kin_folder / "sam2.1")
    packed = dict(engine.pack(engine.look(picture((51, 77)))))
    with pytest.raises(CheckpointError, match=r"no look of sam2\.1"):
        other.unpack(packed)
    for name, value in (
        ("shape", np.zeros(2, np.int64)),
        ("embedding_0", packed["embedding_0"].astype(np.float64)),
        ("embedding_0", packed["embedding_0"] * np.float16(np.nan)),
        ("embedding_1", packed["embedding_0"]),
    ):
        with pytest.raises(CheckpointError):
            engine.unpack({**packed, name: value})


def test_nonsense_is_refused_in_words(pair: Pair) -> None:
    engine = pair.engines["original"]
    with pytest.raises(ImageError):
        engine.look(np.zeros((5, 5), np.uint8))
    with pytest.raises(ImageError):
        engine.look(np.zeros((5, 5, 3), np.float32))
    look = engine.look(picture((51, 77)))
    with pytest.raises(RegionError, match="Nothing says where"):
        engine.mask(look, Prompts(negative=((1, 1),)))
    with pytest.raises(ShapeMismatchError):
        engine.mask(look, Prompts(mask=RegionMask.from_box((50, 77), (0, 0, 5, 5))))


# --- everything -------------------------------------------------------------------------------------------------------

LOOSE = {"least_score": -1e9, "least_stability": 0.0}


def test_everything_is_what_the_clicks_of_a_grid_give(pair: Pair) -> None:
    engine = load_original(
        pair.folder / "toy sam.pth", name="toy", device="cpu", grid=Grid(3, 4, most_overlap=1.0, **LOOSE)
    )
    look = engine.look(picture((51, 77)))
    found = engine.everything(look, EverythingSpec(most=500, least_area=1))
    wanted = [
        one for row in (8, 25, 42) for col in (12.3333, 38, 63.6667)
        for one in engine.mask(look, Prompts(positive=((row, col),))).candidates
    ]  # fmt: skip
    assert len(found) == len(wanted)
    for one in found:
        assert max(_iou(one.mask, other.mask) for other in wanted) > 0.98
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def _iou(one: RegionMask, other: RegionMask) -> float:
    return float((one.pixels & other.pixels).sum() / (one.pixels | other.pixels).sum())


def test_everything_keeps_few_large_and_distinct_ones(kin: Any, pair: Pair) -> None:
    for network in (kin._network, pair.engines["original"]._network):
        engine = type(kin)("toy", "x", network, Grid(6, 8, most_overlap=0.8, **LOOSE))
        look = engine.look(picture((51, 77)))
        found = engine.everything(look, EverythingSpec(most=5, least_area=30))
        assert 0 < len(found) <= 5
        assert all(one.mask.area >= 30 and one.mask.shape == (51, 77) for one in found)
        assert len({one.mask.box for one in found}) == len(found)
        strict = type(kin)("toy", "x", network, Grid(6, 8, least_score=2.0))
        assert list(strict.everything(look, EverythingSpec())) == []


def test_everything_tells_how_far_it_is_and_is_cancelled_between_batches(pair: Pair) -> None:
    engine = load_original(pair.folder / "toy sam.pth", name="toy", device="cpu", grid=Grid(4, 2, **LOOSE))
    look = engine.look(picture((51, 77)))
    steps: list[Progress] = []
    engine.everything(look, EverythingSpec(most=20, least_area=1), progress=steps.append)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].fraction == 1 and len(steps) > 8

    def stop(step: Progress) -> None:
        if step.done == 3:
            raise JobCancelledError("Cancelled.")

    with pytest.raises(JobCancelledError):
        engine.everything(look, EverythingSpec(), progress=stop)


def test_a_cpu_clicks_on_a_coarser_grid() -> None:
    assert Grid.for_device(torch.device("cpu")).side == 16
    assert Grid.for_device(torch.device("cuda:1")).side == 32


# --- what lies on the disk --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "width", "depth", "everywhere"),
    [("vit_b", 768, 12, (2, 5, 8, 11)), ("vit_l", 1024, 24, (5, 11, 17, 23)), ("vit_h", 1280, 32, (7, 15, 23, 31))],
)
def test_the_sizes_of_the_published_networks_are_read_from_their_tensors(
    kind: str, width: int, depth: int, everywhere: tuple[int, ...]
) -> None:
    with torch.device("meta"):
        state = sam_model_registry[kind]().state_dict()
    sizes = SamSizes.of(state)
    assert (sizes.width, sizes.depth, sizes.everywhere) == (width, depth, everywhere)
    assert (sizes.heads, sizes.patch, sizes.cells, sizes.window) == ({768: 12}.get(width, 16), 16, 64, 14)
    assert (sizes.channels, sizes.mask_channels, sizes.layers, sizes.feed) == (256, 16, 2, 2048)
    assert sizes.kind.lower().replace("-", "_") == kind
    with torch.device("meta"):
        again = original_sam.build_network(sizes).state_dict()
    assert {name: value.shape for name, value in again.items()} == {name: value.shape for name, value in state.items()}


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_checkpoint_that_would_run_a_program_is_refused(tmp_path: Path) -> None:
    torch.save({"model": _Bomb(tmp_path / "ran")}, tmp_path / "sam_vit_b.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Bomb(tmp_path / "ran")))
    for name in ("sam_vit_b.pth", "plain.pth"):
        with pytest.raises(CheckpointError, match="read safely"):
            make_engine(str(tmp_path / name))
    assert not (tmp_path / "ran").exists()


def test_what_holds_no_engine_is_refused_in_words(tmp_path: Path, pair: Pair) -> None:
    torch.save({"x": torch.zeros(1)}, tmp_path / "vit_b é.pth")
    with pytest.raises(CheckpointError, match="no weights of the original SAM"):
        make_engine(str(tmp_path / "vit_b é.pth"))
    state = torch.load(pair.folder / "toy sam.pth", weights_only=True)
    state.pop("mask_decoder.iou_token.weight")
    torch.save(state, tmp_path / "short.pth")
    with pytest.raises(CheckpointError, match="no weights of the original SAM"):
        make_engine(str(tmp_path / "short.pth"))
    with pytest.raises(UnknownModelError, match="seagull models download sam-vit-b"):
        make_engine("sam-vit-b", folder=tmp_path / "nowhere")
    with pytest.raises(UnknownModelError, match="no weights of an engine"):
        make_engine(str(tmp_path / "nowhere"))
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(CheckpointError, match="holds a bert"):
        make_engine(str(tmp_path / "bert"))
    (tmp_path / "bert" / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be read"):
        make_engine(str(tmp_path / "bert"))


def test_only_safetensors_are_read_and_nothing_is_made_up(tmp_path: Path, pair: Pair) -> None:
    from safetensors.torch import load_file, save_file

    config = (pair.folder / "toy-hf" / "config.json").read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    torch.save({"x": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors"):
        load_transformers(tmp_path, name="toy", device="cpu")
    tensors = load_file(pair.folder / "toy-hf" / "model.safetensors")
    tensors.pop("mask_decoder.iou_token.weight")
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lacks 1 tensors of SamModel.*iou_token"):
        load_transformers(tmp_path, name="toy", device="cpu")
    (tmp_path / "model.safetensors").write_bytes(b"no tensors at all")
    with pytest.raises(CheckpointError, match="do not fit SamModel"):
        load_transformers(tmp_path, name="toy", device="cpu")


def test_a_missing_or_old_package_is_said(pair: Pair, kin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    families = {**transformers_sam.FAMILIES, "sam2": Family("Sam9Model"), "edgetam": Family("EdgeTamModel", ("tymm",))}
    monkeypatch.setattr(transformers_sam, "FAMILIES", families)
    with pytest.raises(BackendMissingError, match="has no Sam9Model"):
        make_engine("sam2.1", folder=kin_folder / "sam2.1")
    with pytest.raises(BackendMissingError, match="wants the package tymm"):
        make_engine("edgetam", folder=kin_folder / "edgetam")
    monkeypatch.setattr(original_sam, "PACKAGES", ("segment_nothing",))
    with pytest.raises(BackendMissingError, match=r"segment_nothing.*napari-seagull\[sam\]"):
        make_engine(str(pair.folder / "toy sam.pth"))


def test_an_identity_follows_the_weights_not_their_place(pair: Pair, tmp_path: Path) -> None:
    original = (pair.folder / "toy sam.pth").read_bytes()
    (tmp_path / "sam-vit-b").mkdir()
    (tmp_path / "sam-vit-b" / "sam_vit_b_01ec64.pth").write_bytes(original)
    (tmp_path / "toy sam.pth").write_bytes(original)
    named = make_engine("sam-vit-b", folder=tmp_path / "sam-vit-b")
    moved = make_engine(str(tmp_path / "toy sam.pth"))
    assert named.name == "sam-vit-b"
    assert moved.identity == pair.engines["original"].identity
    assert named.identity.split()[1:] == moved.identity.split()[2:]
    assert pair.engines["transformers"].identity != moved.identity


FILMS = {
    "sam2.1": {"mask_decoder.iou_token.weight": "mask_decoder.iou_token.weight"},
    "sam3": {
        "mask_decoder.iou_token.weight": "tracker_model.mask_decoder.iou_token.weight",
        "vision_encoder.neck.fpn_layers.0.proj1.weight": "tracker_neck.fpn_layers.0.proj1.weight",
    },
}


@pytest.mark.parametrize("name", FILMS)
def test_of_a_published_network_for_films_the_part_for_images_is_taken(name: str, tmp_path: Path) -> None:
    film = toy_sam.write_film(name, tmp_path / name)
    assert json.loads((tmp_path / name / "config.json").read_text(encoding="utf-8"))["model_type"].endswith("_video")
    engine = make_engine(name, folder=tmp_path / name)
    logits, _ = engine.logits(engine.look(picture((51, 77))), Prompts(box=(1, 1, 9, 9)))
    assert logits.shape == (1, 51, 77)
    theirs, ours = dict(film.named_parameters()), dict(engine._network._model.named_parameters())
    for here, there in FILMS[name].items():
        assert torch.equal(ours[here], theirs[there])
