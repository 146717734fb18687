"""Deterioration, made: who gets worse, when, how it shows, and who only seems to.

In        a stay's course (rounds of vital signs, laboratory values), age, and a seeded generator
Out       `Deterioration` (ICU transfer, death, or neither) and the strain 0..1 that bends signs and laboratory values
Method    hazard(t) = exp(BASE + sum of weights x what can be seen at t + frailty) an hour; the event is where the cumulated hazard
          passes an exponential draw. Frailty is never written anywhere, so no model can be perfect.
          The weights are made up, chosen so that about one subject in five deteriorates. They are no clinical knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bedside.demo.courses import SIGNS, Floats, LabValue, StayCourse

HOUR = 60
_NORMAL = np.array([80.0, 16.0, 96.5, 36.9, 125.0, 75.0, 0.0])
_SHRINK = np.array([0.60, 0.60, 0.50, 0.50, 0.75, 0.75, 0.45])
_NOISE = np.array([4.0, 1.3, 0.8, 0.18, 6.0, 4.5, 0.0])
_LOW = np.array([32.0, 5.0, 68.0, 33.8, 48.0, 26.0, 0.0])
_HIGH = np.array([198.0, 46.0, 100.0, 41.4, 218.0, 128.0, 15.0])
BASE = -8.75
_FRAILTY = 0.55
_DISEASE = {
    "sepsis": 1.1, "bacterial_pneumonia": 0.7, "aspiration_pneumonia": 0.9, "heart_failure_exacerbation": 0.5, "acute_mi": 0.6,
    "gi_bleeding": 0.6, "hemorrhagic_stroke": 0.9, "cerebral_infarction": 0.4, "copd_exacerbation": 0.2, "pulmonary_embolism": 0.7,
    "acute_pancreatitis": 0.4, "diabetic_ketoacidosis": 0.1, "asthma_exacerbation": -0.4, "hip_fracture": -0.1,
    "wrist_fracture_surgical": -0.8, "cellulitis": -0.3, "urinary_tract_infection": 0.0,
}  # fmt: skip
PATTERNS = ("lungs", "sepsis", "heart", "brain")
_EFFECT = {  # change of each of SIGNS at full strain
    "lungs": np.array([20.0, 11.0, -7.0, 0.3, 6.0, 2.0, 7.0]),
    "sepsis": np.array([30.0, 9.0, -3.0, 1.4, -30.0, -16.0, 2.5]),
    "heart": np.array([30.0, 7.0, -4.5, -0.1, -34.0, -14.0, 4.0]),
    "brain": np.array([-6.0, -3.0, -3.0, 0.5, 24.0, 9.0, 2.0]),
}
_LABS = {  # factor of each laboratory value at full strain
    "lungs": {"Lactate": 1.5, "pCO2": 1.4, "pO2": 0.75, "WBC": 1.25, "CRP": 1.4},
    "sepsis": {"Lactate": 3.0, "WBC": 1.7, "CRP": 2.0, "Creatinine": 1.6, "BUN": 1.4, "Plt": 0.7, "T_Bil": 1.5, "HCO3": 0.8,
               "Glucose": 1.2},
    "heart": {"Lactate": 2.4, "Creatinine": 1.5, "BUN": 1.4, "BNP": 2.2, "Troponin_I": 2.0, "K": 1.1, "HCO3": 0.85},
    "brain": {"Lactate": 1.3, "Na": 0.97, "Glucose": 1.3, "WBC": 1.2},
}  # fmt: skip
_AWAKE = {"lungs": 0.9, "sepsis": 0.8, "heart": 1.0, "brain": 0.35}  # strain at which the patient no longer is alert
_PANEL = ("Lactate", "WBC", "CRP", "Creatinine", "BUN", "Na", "K", "Glucose", "Hb", "Plt")
_USUAL = {"Lactate": 1.3, "WBC": 8.0, "CRP": 25.0, "Creatinine": 0.95, "BUN": 16.0, "Na": 139.0, "K": 4.1, "Glucose": 118.0,
          "Hb": 12.6, "Plt": 240.0}  # fmt: skip
SCALE = {"WBC": 1 / 1000}  # clinosim counts leucocytes a microlitre


@dataclass
class Episode:
    """One spell of strain: rises from `onset` to `peak`, holds, falls; `size` 1 is a full one."""

    pattern: str
    onset: float
    peak: float
    hold: float
    fall: float
    size: float
    weights: Floats

    def strain(self, at: Floats) -> Floats:
        rise = np.clip((at - self.onset) / (self.peak - self.onset), 0.0, 1.0) ** 0.9
        fall = np.exp(-np.clip(at - self.peak - self.hold, 0.0, None) / self.fall)
        return np.asarray(self.size * rise * fall)


@dataclass
class Deterioration:
    """What becomes of a stay, minutes from its start: `end` replaces the planned one."""

    end: float
    icu: float | None = None
    icu_end: float | None = None
    died: float | None = None
    episodes: list[Episode] = field(default_factory=list)


@dataclass
class Charted:
    """A stay's rounds after drift: minutes, signs, alertness, and the laboratory values."""

    at: Floats
    signs: Floats
    awake: list[str]
    labs: list[LabValue]


def steadied(stay: StayCourse, draw: np.random.Generator, *, vary: bool) -> Floats:
    """A ward's signs out of clinosim's: distances from normal shrunk, each patient at a level of their own.

    vary   a varied course has its own scale too
    """
    level = draw.normal(0.0, 1.0, len(SIGNS)) * _NOISE * (1.8 if vary else 1.4)
    scale = _SHRINK * (np.exp(draw.normal(0.0, 0.18, len(SIGNS))) if vary else 1.0)
    signs = _NORMAL + level + (stay.signs - _NORMAL) * scale
    signs[:, 6] = np.where(stay.signs[:, 6] >= 2.0, np.maximum(signs[:, 6], 1.0), 0.0)
    return np.asarray(signs)


def dimmed(awake: list[str], draw: np.random.Generator) -> list[str]:
    """Alertness one step nearer to alert, for most."""
    kept = draw.random() < 0.3
    return [{"V": "V" if kept else "A", "P": "V", "U": "P"}.get(level, "A") for level in awake]


def fate(stay: StayCourse, signs: Floats, awake: list[str], age: float, draw: np.random.Generator) -> Deterioration:
    """Whether and when this stay turns: the hazard on an hourly grid against one exponential draw."""
    threshold, frailty = draw.exponential(), draw.normal(0.0, _FRAILTY)
    hours = np.arange(10.0, stay.minutes / HOUR - 3.0)
    if stay.died:
        return _forced_death(stay, age, draw)
    if hours.size == 0 or stay.at.size == 0:
        return Deterioration(stay.minutes)
    log_hazard = BASE + frailty + _DISEASE.get(stay.disease, 0.1) + 0.6 * (age - 65.0) / 15.0 + _visible(stay, signs, awake,
            hours * HOUR)  # fmt: skip
    passed = np.flatnonzero(np.cumsum(np.exp(log_hazard)) > threshold)
    if passed.size == 0:
        return _decoy(stay, draw)
    return _turned(stay, float((hours[passed[0]] + draw.random()) * HOUR), age, draw)


def _visible(stay: StayCourse, signs: Floats, awake: list[str], minutes: Floats) -> Floats:
    """The part of the log hazard that can be seen: mean abnormality of the last half day, and the last laboratory values."""
    over = np.maximum(signs[:, 0] - 95, 0) / 14 + np.maximum(signs[:, 1] - 19, 0) / 3.5 + np.maximum(94.5 - signs[:, 2], 0) / 2.5
    over += np.maximum(108 - signs[:, 4], 0) / 12 + np.maximum(signs[:, 3] - 38.0, 0) / 0.8 + 0.35 * (signs[:, 6] > 0)
    over += 1.2 * np.array([level != "A" for level in awake])
    recent = np.array([_mean_between(stay.at, over, now - 12 * HOUR, now) for now in minutes])
    return np.asarray(0.4 * np.minimum(recent, 5.0) + _laboratory(stay.labs, minutes))


def _mean_between(at: Floats, values: Floats, low: float, high: float) -> float:
    inside = values[(at > low) & (at <= high)]
    if inside.size:
        return float(inside.mean())
    before = np.flatnonzero(at <= high)
    return float(values[before[-1]]) if before.size else float(values[0])


def _laboratory(labs: list[LabValue], minutes: Floats) -> Floats:
    total = np.zeros_like(minutes)
    for name, low, step, weight in (("Lactate", 1.8, 1.0, 0.7), ("Creatinine", 1.3, 1.0, 0.5), ("CRP", 60.0, 100.0, 0.5)):
        known = [(lab.minute, lab.value) for lab in labs if lab.name == name]
        if known:
            at, value = np.array(known, float).T
            last = np.searchsorted(at, minutes, side="right") - 1
            total += np.where(last >= 0, weight * np.clip((value[last] - low) / step, 0.0, 3.0), 0.0)
    return total


def _turned(stay: StayCourse, when: float, age: float, draw: np.random.Generator) -> Deterioration:
    episode = _episode(stay, when, draw)
    if draw.random() < (0.30 if age > 84 else 0.08):
        return Deterioration(when, died=when, episodes=[_unending(episode)])
    until = when + draw.uniform(20, 84) * HOUR
    if draw.random() < 0.16:
        return Deterioration(until, icu=when, died=until, episodes=[_unending(episode)])
    end = max(float(stay.minutes), until + draw.uniform(26, 76) * HOUR)
    return Deterioration(end, icu=when, icu_end=until, episodes=[episode])


def _forced_death(stay: StayCourse, age: float, draw: np.random.Generator) -> Deterioration:
    """clinosim let this patient die at the end: in intensive care if there was time and the patient was not very old."""
    end = float(stay.minutes)
    icu = end - draw.uniform(10, 60) * HOUR
    if icu < 12 * HOUR or age > 86 or draw.random() < 0.3:
        return Deterioration(end, died=end, episodes=[_unending(_episode(stay, end, draw))])
    return Deterioration(end, icu=icu, died=end, episodes=[_unending(_episode(stay, icu, draw))])


def _decoy(stay: StayCourse, draw: np.random.Generator) -> Deterioration:
    """Most stays end quietly; a quarter drift and recover where they are."""
    calm = Deterioration(stay.minutes)
    if draw.random() < 0.22 and stay.minutes > 30 * HOUR:
        peak = draw.uniform(12 * HOUR, stay.minutes - 10 * HOUR)
        calm.episodes = [_episode(stay, peak, draw, size=draw.uniform(0.3, 0.85), fall=draw.uniform(4, 12))]
    return calm


def _episode(stay: StayCourse, peak: float, draw: np.random.Generator, *, size: float | None = None, fall: float = 30.0) -> Episode:
    quiet = draw.random() < 1 / 7
    full = float(np.clip(np.exp(draw.normal(0.0, 0.28)), 0.5, 1.6))
    chosen = size if size is not None else (0.12 if quiet else full)
    lead = draw.uniform(8, 24) * HOUR
    weights = np.exp(draw.normal(0.0, 0.35, len(SIGNS))) * (draw.random(len(SIGNS)) > 0.12)
    return Episode(_pattern(stay, draw), max(peak - lead, 30.0), peak, draw.uniform(1, 5) * HOUR, fall * HOUR, chosen, weights)


def _unending(episode: Episode) -> Episode:
    episode.hold, episode.size = 1e6, max(episode.size, 0.5)
    return episode


def _pattern(stay: StayCourse, draw: np.random.Generator) -> str:
    lean = {"lungs": 0.3, "sepsis": 0.3, "heart": 0.25, "brain": 0.15}
    for words, pattern in ((("pneumonia", "copd", "asthma", "influenza"), "lungs"), (("sepsis", "urinary", "chole"), "sepsis"),
                           (("heart", "mi", "fibrillation", "bleeding"), "heart"),
                           (("stroke", "infarction", "hematoma"), "brain")):  # fmt: skip
        if any(word in stay.disease for word in words):
            lean[pattern] += 1.0
    shares = np.array([lean[name] for name in PATTERNS])
    return str(draw.choice(PATTERNS, p=shares / shares.sum()))


def chart(stay: StayCourse, steady: Floats, awake: list[str], fated: Deterioration, draw: np.random.Generator) -> Charted:
    """Rounds and laboratory values as charted: more often when the patient looks worse, bent by strain, with noise."""
    at = _rounds(stay, fated, draw)
    base = np.column_stack([np.interp(at, stay.at, steady[:, column]) for column in range(len(SIGNS))])
    base[:, 6] = np.where(base[:, 6] >= 0.8, base[:, 6], 0.0)
    nearest = np.abs(at[:, None] - stay.at[None, :]).argmin(axis=1)
    levels = [awake[index] for index in nearest]
    signs = base + draw.normal(0.0, 1.0, base.shape) * _NOISE
    for episode in fated.episodes:
        strain = episode.strain(at)
        signs += strain[:, None] * _EFFECT[episode.pattern] * episode.weights
        levels = [_sunk(level, one, episode.pattern, draw) for level, one in zip(levels, strain, strict=True)]
    return Charted(at, _rounded(signs), levels, _charted_labs(stay, fated, at, draw))


def _rounds(stay: StayCourse, fated: Deterioration, draw: np.random.Generator) -> Floats:
    """Planned rounds inside the stay, and extra ones: in intensive care, while there is strain, and now and then for nothing."""
    planned = [minute for minute in stay.at if minute < fated.end - 5]
    last = planned[-1] if planned else 20.0
    planned += list(np.arange(last + 300, fated.end - 60, 330.0))
    now, extra = 60.0, list[float]()
    while now < fated.end - 30:
        concern = max((float(episode.strain(np.array([now]))[0]) for episode in fated.episodes), default=0.0)
        watched = fated.icu is not None and fated.icu <= now < (fated.icu_end or fated.end)
        often = watched or draw.random() < min(0.75, 1.1 * max(concern - 0.15, 0.0)) or draw.random() < 0.02
        if often:
            extra.append(now + draw.uniform(-20, 20))
        now += 170.0 if watched else 100.0
    return np.unique(np.round(np.clip(np.array(planned + extra), 5, fated.end - 2)))


def _sunk(level: str, strain: float, pattern: str, draw: np.random.Generator) -> str:
    """One step less alert, two when the strain is far beyond the pattern's threshold."""
    beyond = strain + draw.normal(0.0, 0.12) - _AWAKE[pattern]
    steps = ["A", "V", "P", "U"]
    down = 0 if strain < 0.1 or beyond < 0 else 1 if beyond < 0.45 else 2
    return steps[min(steps.index(level) + down, 3)] if level in steps else level


def _rounded(signs: Floats) -> Floats:
    """Within what a monitor can show; pulse pressure at least 15; saturation propped up by the oxygen that was given."""
    signs[:, 2] = np.where(signs[:, 2] > 98.5, 98.5 - (signs[:, 2] - 98.5) * 0.2, signs[:, 2])
    signs = np.clip(signs, _LOW, _HIGH)
    signs[:, 5] = np.minimum(signs[:, 5], signs[:, 4] - 15)
    signs[:, 6] = np.where(signs[:, 6] < 0.8, 0.0, np.round(signs[:, 6]))
    signs[:, 3] = np.round(signs[:, 3], 1)
    return np.asarray(np.where(np.arange(len(SIGNS)) == 3, signs, np.round(signs)))


def _charted_labs(stay: StayCourse, fated: Deterioration, at: Floats, draw: np.random.Generator) -> list[LabValue]:
    """Planned values bent by strain, and panels sent off because somebody was worried."""
    planned = [LabValue(lab.minute, lab.name, lab.value * SCALE.get(lab.name, 1.0)) for lab in stay.labs
               if lab.minute < fated.end - 10]  # fmt: skip
    usual = dict(_USUAL)
    extra: list[LabValue] = []
    next_free = 0.0
    for minute in at:
        usual.update({lab.name: lab.value for lab in planned if lab.minute <= minute and lab.name in usual
                      and lab.name != "Lactate"})  # fmt: skip
        concern = max((float(episode.strain(np.array([minute]))[0]) for episode in fated.episodes), default=0.0)
        if minute >= next_free and draw.random() < (0.65 if concern > 0.45 else 0.02):
            sent = int(minute + draw.uniform(10, 90))
            extra += [LabValue(sent, name, usual[name] * float(np.exp(draw.normal(0, 0.09)))) for name in _PANEL
                      if sent < fated.end - 10]  # fmt: skip
            next_free = minute + draw.uniform(5, 9) * HOUR
    return sorted((_bent(lab, fated) for lab in planned + extra), key=lambda lab: lab.minute)


def _bent(lab: LabValue, fated: Deterioration) -> LabValue:
    value = lab.value
    for episode in fated.episodes:
        strain = float(episode.strain(np.array([float(lab.minute) - 60.0]))[0])
        value *= _LABS[episode.pattern].get(lab.name, 1.0) ** min(strain, 1.4)
    return LabValue(lab.minute, lab.name, value)
