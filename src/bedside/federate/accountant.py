"""What a run of noisy updates costs in privacy: Renyi differential privacy of the sampled Gaussian mechanism.

In        noise multiplier, share of patients drawn for a step, number of steps, delta
Out       epsilon: the run is (epsilon, delta)-differentially private for adding or removing one unit
Source    Mironov, Talwar & Zhang, arXiv:1908.10530, section 3.3 (Poisson sampling; whole and broken orders); to epsilon: Canonne, Kamath
          & Steinke, NeurIPS 2020, proposition 12.
Orders    those of Google's dp-accounting, so that the two give one number. Any set of orders gives a true bound; orders between 1 and 11
          matter where noise is small, where whole orders alone would promise far too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, exp, expm1, inf, isfinite, lgamma, log, log1p, pi, sqrt

from bedside.core.errors import Misconfigured

ORDERS: tuple[float, ...] = (*(1 + tenth / 10 for tenth in range(1, 100)), *range(11, 64), 128, 256, 512, 1024)
LEAST_NOISE, MOST_NOISE = 1e-3, 1e6  # beyond, there is no protection to speak of, or nothing to learn; and sums leave what a float holds
_TERMS, _NEGLIGIBLE = 1000, 30.0  # of the series of a broken order; the log of the share below which a term adds nothing
_FAR = 25.0  # where erfc leaves the range of floats, its series at infinity is exact to 1e-10


def epsilon(*, noise: float, share: float, steps: int, delta: float, orders: Sequence[float] = ORDERS) -> float:
    """The epsilon of `steps` sampled Gaussian mechanisms.

    >>> round(epsilon(noise=1.1, share=1.0, steps=1, delta=1e-5), 3)
    4.24
    """
    if not (LEAST_NOISE <= noise <= MOST_NOISE and 0 < share <= 1 and steps >= 0 and 0 < delta < 1):
        raise Misconfigured(f"noise must lie between {LEAST_NOISE:g} and {MOST_NOISE:,.0f}, share above 0 and at most 1, delta between 0 and 1",
                            where="[model.federated.privacy]", do="correct the values")  # fmt: skip
    return min(_to_epsilon(steps * renyi(order, noise=noise, share=share), order, delta) for order in orders) if steps else 0.0


def renyi(order: float, *, noise: float, share: float) -> float:
    """Renyi divergence of an order above 1 of one step, or a bound above it; infinite where the series of a broken order does not end.

    >>> renyi(2, noise=1.0, share=1.0), renyi(1.5, noise=1.0, share=1.0)
    (1.0, 0.75)
    """
    if share == 1.0:
        return order / (2 * noise**2)
    found = _whole(int(order), noise, share) if float(order).is_integer() else _broken(order, noise, share)
    return max(found, 0.0) / (order - 1)  # below 0 by rounding alone


def _whole(order: int, noise: float, share: float) -> float:
    """Log of the moment of a whole order: equation 3.3 of the source."""
    return _log_sum([_log_binomial(order, k) + k * log(share) + (order - k) * log1p(-share) + (k * k - k) / (2 * noise**2) for k in range(order + 1)])


def _broken(order: float, noise: float, share: float) -> float:
    """The same of any order: the integral in two parts, left and right of where the two densities are equal; each a series.

    Signs of the binomials are left out, which makes the sum larger, never smaller.
    """
    meet, width, total, before = noise**2 * log(1 / share - 1) + 0.5, sqrt(2) * noise, -inf, (-inf, -inf)
    for i in range(_TERMS):
        j, weight = order - i, _log_binomial(order, i) - log(2)
        left = weight + i * log(share) + j * log1p(-share) + (i * i - i) / (2 * noise**2) + _log_erfc((i - meet) / width)
        right = weight + j * log(share) + i * log1p(-share) + (j * j - j) / (2 * noise**2) + _log_erfc((meet - j) / width)
        total = _log_sum([total, left, right])
        if left < before[0] and right < before[1] and max(left, right) < total - _NEGLIGIBLE:
            return total
        before = left, right
    return inf


def _log_erfc(x: float) -> float:
    """Log of the complementary error function; beyond floats by its series (Abramowitz & Stegun 7.1.23).

    >>> round(_log_erfc(0.0), 9), round(_log_erfc(30.0), 6)
    (0.0, -903.974117)
    """
    if x < _FAR:
        return log(erfc(x))
    y = 1 / (2 * x * x)
    return -x * x - log(x * sqrt(pi)) + log1p(-y + 3 * y**2 - 15 * y**3 + 105 * y**4)


def _to_epsilon(divergence: float, order: float, delta: float) -> float:
    """Proposition 12; never below 0, and 0 where delta alone covers it."""
    if not isfinite(divergence):
        return inf
    if delta**2 + expm1(-divergence) > 0:  # total variation is already below delta (Bretagnolle-Huber)
        return 0.0
    return max(0.0, divergence + log1p(-1 / order) - log(delta * order) / (order - 1))


def _log_binomial(n: float, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _log_sum(terms: list[float]) -> float:
    top = max(terms)
    return -inf if top == -inf else top + log(sum(exp(term - top) for term in terms))
