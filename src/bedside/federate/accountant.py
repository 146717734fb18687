"""What a run of noisy updates costs in privacy: Renyi differential privacy of the sampled Gaussian mechanism.

In        noise multiplier, share of patients drawn for a step, number of steps, delta
Out       epsilon: the run is (epsilon, delta)-differentially private for adding or removing one unit
Source    Mironov, Talwar & Zhang, arXiv:1908.10530, section 3.3 (integer orders, Poisson sampling); to epsilon: Canonne, Kamath &
          Steinke, NeurIPS 2020, proposition 12. Whole orders only: what is left out can only make epsilon larger than it need be.
"""

from __future__ import annotations

from math import exp, expm1, inf, lgamma, log, log1p

from bedside.core.errors import Misconfigured

ORDERS: tuple[int, ...] = (*range(2, 65), 80, 96, 128, 192, 256, 512, 1024)


def epsilon(*, noise: float, share: float, steps: int, delta: float) -> float:
    """The epsilon of `steps` sampled Gaussian mechanisms.

    >>> round(epsilon(noise=1.1, share=1.0, steps=1, delta=1e-5), 3)
    4.241
    """
    if not (noise > 0 and 0 < share <= 1 and steps >= 0 and 0 < delta < 1):
        raise Misconfigured("noise must be above 0, share above 0 and at most 1, delta between 0 and 1", where="[model.federated.privacy]",
                            do="correct the values")  # fmt: skip
    return min(_to_epsilon(steps * renyi(order, noise=noise, share=share), order, delta) for order in ORDERS) if steps else 0.0


def renyi(order: int, *, noise: float, share: float) -> float:
    """Renyi divergence of a whole order >= 2 of one step.

    >>> renyi(2, noise=1.0, share=1.0)
    1.0
    """
    if share == 1.0:
        return order / (2 * noise**2)
    terms = [_log_binomial(order, k) + k * log(share) + (order - k) * log1p(-share) + (k * k - k) / (2 * noise**2) for k in range(order + 1)]
    return _log_sum(terms) / (order - 1)


def _to_epsilon(divergence: float, order: int, delta: float) -> float:
    """Proposition 12; never below 0, and 0 where delta alone covers it."""
    if delta**2 + expm1(-divergence) > 0:  # total variation is already below delta (Bretagnolle-Huber)
        return 0.0
    return max(0.0, divergence + log1p(-1 / order) - log(delta * order) / (order - 1))


def _log_binomial(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _log_sum(terms: list[float]) -> float:
    top = max(terms)
    return -inf if top == -inf else top + log(sum(exp(term - top) for term in terms))
