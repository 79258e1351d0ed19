"""Guidance: estimates that go beyond what a model answers, away from what it answers when told less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from geoinfinite.diffusion.denoiser import Array, Denoiser


@dataclass(frozen=True, slots=True)
class GuidanceTerm:
    """One answer of the model that a guided estimate is made of."""

    weight: float
    """Its share in the estimate; the shares of all terms sum to 1."""
    silent: tuple[str, ...] = ()
    """Slots that the model is not told for this answer."""


ASK_ONCE = (GuidanceTerm(1.0),)
"""No guidance: the model's answer itself."""


def guidance_terms(scales: Mapping[str, float]) -> tuple[GuidanceTerm, ...]:
    """Return the answers that guidance compares, given the scale of every slot that it goes beyond.

    Slots of equal scale are told together or not at all. With groups of slots 1 to n, in the order in which
    they are given, and D_k the answer that is told groups 1 to k, the guided estimate is
    ``D_0 + sum of s_k (D_k - D_(k-1))``. An answer whose share is 0 is not asked for: scale 1 is one answer.

    Source: Ho and Salimans 2022 (arXiv:2207.12598), equation 6; several conditions: Brooks et al. 2023
    (InstructPix2Pix, arXiv:2211.09800), equation 3.

    >>> guidance_terms({"prompt": 7.5})
    (GuidanceTerm(weight=-6.5, silent=('prompt',)), GuidanceTerm(weight=7.5, silent=()))
    >>> guidance_terms({"prompt": 1.0})
    (GuidanceTerm(weight=1.0, silent=()),)
    >>> [term.weight for term in guidance_terms({"hint": 1.5, "prompt": 7.0})]
    [-0.5, -5.5, 7.0]
    """
    groups: dict[float, list[str]] = {}
    for slot, scale in scales.items():
        groups.setdefault(scale, []).append(slot)
    names = list(groups.values())
    weights = [before - after for before, after in pairwise([1.0, *groups, 0.0])]
    silent = [tuple(chain.from_iterable(names[told:])) for told in range(len(weights))]
    return tuple(GuidanceTerm(w, s) for w, s in zip(weights, silent, strict=True) if w)


def guided(answers: Sequence[tuple[float, Denoiser]]) -> Denoiser:
    """Return the denoiser that is the sum of weighted answers, whose weights sum to 1.

    An estimate of clean data is an affine function of what a network predicts at one state, so that
    guidance of estimates is guidance of noise, v or velocity. Clipping comes after it.

    >>> guided([(-1.5, lambda x, sigma: 2.0), (2.5, lambda x, sigma: 4.0)])(1.0, 1.0)
    7.0
    """
    (_, first), *rest = answers
    if not rest:
        return first
    weights = [weight for weight, _ in rest]
    scales = [sum(weights[k:]) for k in range(len(weights))]

    def denoise(x: Array, sigma: float) -> Array:
        estimate = before = first(x, sigma)
        for scale, (_, told) in zip(scales, rest, strict=True):
            answer = told(x, sigma)
            estimate = estimate + scale * (answer - before)
            before = answer
        return estimate

    return denoise


def blended(answers: Sequence[tuple[Array, Denoiser]]) -> Denoiser:
    """Return the denoiser that adds up answers, each with its share of every pixel of the state.

    Shares are ``(tile, 1, y, x)`` and sum to 1. Source: Bar-Tal et al. 2023 (arXiv:2302.08113), equation 5.

    >>> blended([(0.25, lambda x, sigma: 2.0), (0.75, lambda x, sigma: 4.0)])(1.0, 1.0)
    3.5
    """

    def denoise(x: Array, sigma: float) -> Array:
        (share, first), *rest = answers
        total = share * first(x, sigma)
        for share, answer in rest:
            total = total + share * answer(x, sigma)
        return total

    return denoise
