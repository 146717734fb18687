"""Values that a living patient cannot have: outside is an error of entry, unit or code, never a diagnosis.

Deliberately wide, and per unit: a value in another unit is not judged. Used to count, never to drop; a study declares its own
limits in [task.features]. Ours, set beyond the extremes that case reports of survivors give; not a reference interval.
"""

from __future__ import annotations

from typing import NamedTuple


class Range(NamedTuple):
    """Lowest and highest possible value of a code in a unit, ends included."""

    code: str
    unit: str
    low: float
    high: float


RANGES: tuple[Range, ...] = (
    Range("LOINC//8867-4", "/min", 0, 350),  # heart rate
    Range("LOINC//9279-1", "/min", 0, 120),  # respiratory rate
    Range("LOINC//59408-5", "%", 0, 100),  # oxygen saturation, pulse oximeter
    Range("LOINC//2708-6", "%", 0, 100),  # oxygen saturation, arterial
    Range("LOINC//8310-5", "Cel", 13, 46),  # body temperature
    Range("LOINC//8310-5", "[degF]", 55, 115),
    Range("LOINC//8480-6", "mm[Hg]", 0, 400),  # systolic pressure
    Range("LOINC//8462-4", "mm[Hg]", 0, 300),  # diastolic pressure
    Range("LOINC//8478-0", "mm[Hg]", 0, 350),  # mean pressure
    Range("LOINC//19889-5", "mm[Hg]", 0, 200),  # end-tidal carbon dioxide
    Range("LOINC//3150-6", "1", 0.15, 1),  # inspired oxygen
    Range("LOINC//3150-6", "%", 15, 100),
    Range("LOINC//2744-1", "[pH]", 6.3, 8),  # arterial pH
    Range("LOINC//2019-8", "mm[Hg]", 3, 350),  # arterial carbon dioxide
    Range("LOINC//1963-8", "mmol/L", 0, 80),  # bicarbonate
    Range("LOINC//1963-8", "meq/L", 0, 80),
    Range("LOINC//2160-0", "mg/dL", 0, 80),  # creatinine
    Range("LOINC//3094-0", "mg/dL", 0, 400),  # urea nitrogen
    Range("LOINC//2823-3", "mmol/L", 0.5, 15),  # potassium
    Range("LOINC//2823-3", "meq/L", 0.5, 15),
    Range("LOINC//2951-2", "mmol/L", 80, 240),  # sodium
    Range("LOINC//2951-2", "meq/L", 80, 240),
    Range("LOINC//2075-0", "mmol/L", 40, 180),  # chloride
    Range("LOINC//2075-0", "meq/L", 40, 180),
    Range("LOINC//2345-7", "mg/dL", 0, 3000),  # glucose
    Range("LOINC//2524-7", "mmol/L", 0, 50),  # lactate
    Range("LOINC//19123-9", "mg/dL", 0, 25),  # magnesium
    Range("LOINC//17861-6", "mg/dL", 0.5, 25),  # calcium; the lowest are ionised values under the same column
    Range("LOINC//2777-1", "mg/dL", 0, 40),  # phosphate
    Range("LOINC//1975-2", "mg/dL", 0, 100),  # bilirubin
    Range("LOINC//718-7", "g/dL", 0.5, 30),  # haemoglobin
    Range("LOINC//4544-3", "%", 2, 90),  # haematocrit
    Range("LOINC//6690-2", "10*3/uL", 0, 1000),  # leukocytes
    Range("LOINC//777-3", "10*3/uL", 0, 5000),  # platelets
)
