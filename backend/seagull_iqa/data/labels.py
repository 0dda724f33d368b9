"""The label `analytic-1`: full-reference quality and importance of regions, by a closed formula.

HaarPSI (Reisenhofer et al. 2018, doi:10.1016/j.image.2017.11.001) and MDSI (Nafchi et al. 2016,
doi:10.1109/ACCESS.2016.2604042), pooled inside a mask instead of over the image, plus signed terms of tone whose
weights were fitted to human scores (design notes of the project, "analytic-1"). With a full mask and `floor=0` the
two metrics equal those of the package piq to 1e-4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seagull_iqa.data.distort import gaussian, luma

NAME = "analytic-1"

_ALPHA, _C = 4.2, 30.0  # HaarPSI
_C1, _C2, _C3 = 140.0, 55.0, 550.0  # MDSI
_DAMAGE_OF_NOTHING = 0.711
_DAMAGE_RANGE = 6.2
_HALF_SHARE = 0.15  # a region with this share of the weight has importance 50

_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
_LHM = ((0.2989, 0.587, 0.114), (0.3, 0.04, -0.35), (0.34, -0.6, 0.17))


def _colors(image: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    weights = torch.tensor(matrix, dtype=image.dtype, device=image.device)
    return torch.einsum("kc,chw->khw", weights, image)


def _pad_even(image: Tensor) -> Tensor:
    return F.pad(image, (0, max(image.shape[-1] % 2, image.shape[-2] % 2)) * 2)


def _similarity(a: Tensor, b: Tensor, constant: float) -> Tensor:
    return (2 * a * b + constant) / (a * a + b * b + constant)


def _haar(y: Tensor, scale: int) -> Tensor:
    """Haar coefficients of (H, W) at one scale, horizontal and vertical -> (2, H, W)."""
    size = 2 ** (scale + 1)
    kernel = torch.ones(size, size, dtype=y.dtype, device=y.device) / size
    kernel[size // 2 :] *= -1
    pad = (size // 2 - 1, size // 2) * 2  # as MATLAB's conv2(..., 'same')
    return F.conv2d(F.pad(y[None, None], pad), torch.stack([kernel, kernel.T])[:, None])[0]


def _half_yiq(image: Tensor) -> Tensor:
    return F.avg_pool2d(_pad_even(_colors(image * 255, _YIQ))[None], 2)[0]


def weight_map(reference: Tensor) -> Tensor:
    """HaarPSI's weight W of a pristine photograph: (3, H, W) 0..1 -> (H/2, W/2), >= 0 (about 0..500)."""
    return _haar(_half_yiq(reference)[0], 2).abs().mean(0)


def half_masks(masks: Tensor) -> Tensor:
    """Area-average masks to the maps' grid: (R, H, W) -> float32 (R, ceil(H/2), ceil(W/2)), 0..1."""
    odd = max(masks.shape[-1] % 2, masks.shape[-2] % 2)
    return F.avg_pool2d(_extended(masks, 0, odd)[:, None], 2)[:, 0]


def _extended(masks: Tensor, before: int, after: int) -> Tensor:
    """Masks continued beyond the border, where the maps have padding: a full mask weighs it as piq does."""
    return F.pad(masks.float(), (before, after, before, after), mode="replicate")


@dataclass(frozen=True)
class MaskWeights:
    """Masks as weights on the grids of all maps; made once, they serve any number of pairs of images."""

    half: Tensor
    """(R, h w) at half size, 0..1."""
    mdsi: Tensor
    """(R, h' w') at MDSI's size, sums of 1."""
    full: Tensor
    """(R, H W), sums of 1."""

    @classmethod
    def of(cls, masks: Tensor, mdsi_step: int, dtype: torch.dtype = torch.float64) -> MaskWeights:
        """Of masks (R, H, W), non-zero inside; float64 is what agrees with piq, float32 what training needs."""
        before, after = ((mdsi_step - 1) // 2, mdsi_step // 2) if mdsi_step // 2 else (0, 0)
        mdsi = F.avg_pool2d(_extended(masks, before, after)[:, None], mdsi_step).to(dtype).flatten(1)
        full = masks.to(dtype).flatten(1)
        return cls(half_masks(masks).to(dtype).flatten(1), _to_one(mdsi), _to_one(full))

    def with_row(self, index: int, other: MaskWeights) -> MaskWeights:
        """One region exchanged for the only one of `other`."""
        rows = [torch.cat([a[:index], b, a[index + 1 :]]) for a, b in zip(self._all, other._all, strict=True)]
        return MaskWeights(*rows)

    @property
    def _all(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.half, self.mdsi, self.full


def _to_one(weights: Tensor) -> Tensor:
    return weights / weights.sum(1, keepdim=True).clamp(min=1e-9)


def importance(weight: Tensor, masks: Tensor | MaskWeights) -> Tensor:
    """Importance 0..100 of regions: (H/2, W/2), (R, H, W) -> (R,); 50 for 15 % of the image's weight."""
    half = masks.half if isinstance(masks, MaskWeights) else half_masks(masks).flatten(1)
    share = half @ (weight + 1).flatten().to(half.dtype) / (weight + 1).sum()
    return 100 * (1 - torch.exp2(-share.float() / _HALF_SHARE))


@dataclass(frozen=True)
class Side:
    """What the label needs of one image of a pair; a reference's serves many spoiled versions."""

    haar: tuple[Tensor, Tensor, Tensor]
    """(2, h, w) each, at half size: absolute coefficients of luma at three scales."""
    haar_chroma: Tensor
    """(2, h, w)."""
    mdsi: Tensor
    """(3, h', w'): L, H, M at MDSI's size."""
    gradient: Tensor
    """(h', w'), of L."""
    contrast: Tensor
    chroma: Tensor
    light: Tensor
    """(H, W) each, see `LabelMaps`."""
    mdsi_step: int

    @classmethod
    def of(cls, image: Tensor, step: int) -> Side:
        """Compute it of an sRGB image, float32 (3, H, W), 0..1; `step` is MDSI's."""
        half, light = _half_yiq(image), luma(image)
        first, second, third = (_haar(half[0], scale).abs() for scale in range(3))
        haar_chroma = F.avg_pool2d(F.pad(half[1:], (0, 1, 0, 1))[None], 2, stride=1)[0].abs()
        mdsi = _colors(_pool(image * 255, step), _LHM)
        chroma = (image - light).abs().mean(0)
        return cls(
            (first, second, third), haar_chroma, mdsi, _gradient(mdsi[0]), _local_std(light), chroma, light, step
        )


@dataclass(frozen=True)
class LabelMaps:
    """Everything the label needs of a pair of images; asking for one more region costs some weighted sums."""

    haar_weight: Tensor
    """(3, h, w) at half size: W of two orientations and of chroma."""
    haar_similarity: Tensor
    """(3, h, w): sigmoid(alpha S)."""
    deviation: Tensor
    """(2, h', w'): real and imaginary part of the root map of MDSI, at its own size."""
    contrast: Tensor
    """(2, H, W): local standard deviation of luma, of reference and distorted."""
    chroma: Tensor
    """(2, H, W): mean |RGB - Y|."""
    light: Tensor
    """(2, H, W): luma 0..1."""
    mdsi_step: int

    @classmethod
    def of(cls, reference: Tensor, distorted: Tensor, *, image_size: int | None = None) -> LabelMaps:
        """Compute the maps of a pair.

        Parameters
        ----------
        reference, distorted : float32, shape (3, H, W), 0..1
            sRGB.
        image_size : int, optional
            Short side in px of the photograph the pair was cut from; MDSI's size step depends on it.
        """
        step = max(1, round((image_size or min(reference.shape[-2:])) / 256))
        return cls.of_sides(Side.of(reference, step), Side.of(distorted, step))

    @classmethod
    def of_sides(cls, reference: Side, distorted: Side) -> LabelMaps:
        """As `of`, with what does not depend on the other image computed before."""
        weight, similarity = _haar_maps(reference, distorted)
        contrast, chroma, light = (
            torch.stack(pair)
            for pair in (
                (reference.contrast, distorted.contrast),
                (reference.chroma, distorted.chroma),
                (reference.light, distorted.light),
            )
        )
        deviation = _mdsi_root(reference, distorted)
        return cls(weight, similarity, deviation, contrast, chroma, light, reference.mdsi_step)

    def haarpsi(self, masks: Tensor | MaskWeights, *, floor: float = 1.0) -> Tensor:
        """HaarPSI 0..1 inside each mask: (R, H, W) -> (R,). `floor` is added to W so that flat areas count."""
        half = self._weights(masks).half
        weight = self.haar_weight.to(half.dtype) + floor
        maps = torch.stack([(weight * self.haar_similarity).sum(0), weight.sum(0)]).flatten(1)
        top, total = (half @ maps.T).unbind(1)
        score = ((top + 1e-9) / (total + 1e-9)).clamp(max=1 - (1e-9 if half.dtype is torch.float64 else 1e-6))
        return (torch.log(score / (1 - score)) / _ALPHA) ** 2

    def mdsi(self, masks: Tensor | MaskWeights) -> Tensor:
        """MDSI (0 = equal) inside each mask: (R, H, W) -> (R,)."""
        weights = self._weights(masks).mdsi  # R, N
        root = self.deviation.to(weights.dtype).flatten(1)  # 2, N
        mean = weights @ root.T  # R, 2
        spread = sum((root[k] - mean[:, k : k + 1]).square() for k in (0, 1))
        return (weights * torch.as_tensor(spread).sqrt()).sum(1) ** 0.25

    def quality(self, masks: Tensor | MaskWeights, *, contrast_up: bool | Tensor = False) -> Tensor:
        """`analytic-1` quality 0..100 of each region.

        Parameters
        ----------
        masks : bool or float, shape (R, H, W), or MaskWeights
            Non-zero inside.
        contrast_up : bool, or bool of shape ()
            The recipe itself raises the contrast, which people reward (up to a point).

        Returns
        -------
        float32, shape (R,), 0..100
        """
        weights = self._weights(masks)
        return _quality(self.haarpsi(weights), self.mdsi(weights), self._tone(weights), contrast_up=contrast_up)

    def _weights(self, masks: Tensor | MaskWeights) -> MaskWeights:
        return masks if isinstance(masks, MaskWeights) else MaskWeights.of(masks, self.mdsi_step)

    def quality_map(self, *, contrast_up: bool | Tensor = False) -> Tensor:
        """`analytic-1` in windows of 32 x 32 px, one every 8 px: (H / 8, W / 8), 0..100; H, W multiples of 8.

        A window at the border ends there. MDSI's map is read at every second pixel, which moves a value by about a
        point against `quality` of that window.
        """
        weight = self.haar_weight + 1.0
        pooled = _windows(torch.stack([(weight * self.haar_similarity).sum(0), weight.sum(0)]), 16, 4)
        score = (pooled[0] / pooled[1]).double().clamp(1e-9, 1 - 1e-9)
        haarpsi = (torch.log(score / (1 - score)) / _ALPHA) ** 2
        size = [side // 2 for side in self.light.shape[-2:]]
        root = F.interpolate(self.deviation[None], size=size, mode="nearest")
        # Of the 16 x 16 values in a window every second, either way: a quarter of the work.
        patches = F.unfold(F.pad(root, (6, 6, 6, 6), mode="replicate"), 8, dilation=2, stride=4).view(2, 64, -1)
        spread = (patches - patches.mean(1, keepdim=True)).square().sum(0).sqrt().mean(0) ** 0.25
        means = _windows(torch.cat([self.contrast, self.chroma, self.light]), 32, 8)
        return _quality(haarpsi, spread.view_as(haarpsi).double(), _tone_terms(means.double()), contrast_up=contrast_up)

    def _tone(self, weights: MaskWeights) -> tuple[Tensor, Tensor, Tensor]:
        maps = torch.cat([self.contrast, self.chroma, self.light]).to(weights.full.dtype).flatten(1)  # 6, N
        return _tone_terms((weights.full @ maps.T).T)


def _tone_terms(means: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Signed changes of contrast and saturation, and of lightness, from means of the six maps: (6, ...)."""
    c_ref, c_dis, s_ref, s_dis, l_ref, l_dis = means.unbind(0)
    contrast = torch.log((c_dis + 0.01) / (c_ref + 0.01))
    saturation = torch.log((s_dis + 0.005) / (s_ref + 0.005))
    return contrast, saturation, (l_dis - l_ref).abs()


def _quality(
    haarpsi: Tensor, mdsi: Tensor, tone: tuple[Tensor, Tensor, Tensor], *, contrast_up: bool | Tensor
) -> Tensor:
    """The closed formula, elementwise: float32, 0..100."""
    h = (1 - haarpsi).clamp(min=0)
    contrast, saturation, lightness = tone
    damage = (
        _DAMAGE_OF_NOTHING + 2.970 * h + 0.505 * h.sqrt() + 4.512 * mdsi
        + 1.053 * (-contrast).clamp(min=0) + 0.948 * saturation.clamp(min=0)
        + 0.135 * (-saturation).clamp(min=0) + 1.256 * lightness
    )
    credit = torch.minimum(6.95 * contrast.clamp(min=0), 0.7 * damage).clamp(max=1.2)
    damage = damage - credit * contrast_up
    return 100 * (1 - (damage - _DAMAGE_OF_NOTHING) / _DAMAGE_RANGE).clamp(0, 1).float()


def _windows(maps: Tensor, size: int, stride: int) -> Tensor:
    """Means in windows centred on cells of `stride`, cut at the border: (C, h, w) -> (C, h / stride, w / stride)."""
    part = stride // 2  # means of means: the windows' borders lie between its cells
    cells, step, pad = size // part, stride // part, (size - stride) // 2 // part
    return F.avg_pool2d(F.avg_pool2d(maps[None], part), cells, step, pad, count_include_pad=False)[0]


def _haar_maps(a: Side, b: Side) -> tuple[Tensor, Tensor]:
    luma_similarity = sum(_similarity(a.haar[scale], b.haar[scale], _C) for scale in range(2)) / 2  # 2, h, w
    chroma_similarity = _similarity(a.haar_chroma, b.haar_chroma, _C).mean(0, keepdim=True)
    weight = torch.maximum(a.haar[2], b.haar[2])
    weight = torch.cat([weight, weight.mean(0, keepdim=True)])
    similarity = torch.cat([torch.as_tensor(luma_similarity), chroma_similarity])
    return weight, torch.sigmoid(_ALPHA * similarity)


def _pool(image: Tensor, step: int) -> Tensor:
    """piq's padded average pooling: (C, H, W) -> (C, h', w')."""
    if step // 2:
        image = F.pad(image, ((step - 1) // 2, step // 2) * 2)
    return F.avg_pool2d(image[None], step)[0]


def _gradient(plane: Tensor) -> Tensor:
    across = torch.tensor([[-1.0, 0.0, 1.0]] * 3, dtype=plane.dtype, device=plane.device) / 3
    kernels = torch.stack([across, across.T])[:, None]
    return F.conv2d(plane[None, None], kernels, padding=1)[0].square().sum(0).sqrt()


def _mdsi_root(reference: Side, distorted: Side) -> Tensor:
    x, y, gx, gy = reference.mdsi, distorted.mdsi, reference.gradient, distorted.gradient
    gm = _gradient((x[0] + y[0]) / 2)
    # Distorted against mean minus reference against mean: the published order, and the metric is not symmetric.
    structure = _similarity(gx, gy, _C1) + _similarity(gy, gm, _C2) - _similarity(gx, gm, _C2)
    color = (2 * (x[1] * y[1] + x[2] * y[2]) + _C3) / (x[1] ** 2 + y[1] ** 2 + x[2] ** 2 + y[2] ** 2 + _C3)
    combined = 0.6 * structure + 0.4 * color
    # The fourth root of a negative number is complex; its angle is a quarter of pi.
    size, angle = combined.abs() ** 0.25, (combined < 0) * (torch.pi / 4)
    return torch.stack([size * torch.cos(angle), size * torch.sin(angle)])


def _local_std(light: Tensor) -> Tensor:
    """Local standard deviation (Gaussian window, sigma 3) of luma blurred by sigma 1: (H, W) -> (H, W)."""
    smooth = gaussian(light[None], 1.0)
    mean, square = gaussian(torch.cat([smooth, smooth * smooth]), 3.0).unbind(0)
    return (square - mean * mean).clamp(min=0).sqrt()
