"""What FDA's draft guidance on AI-enabled device software asks for, and where this draft answers it.

Source    FDA, "Artificial Intelligence-Enabled Device Software Functions: Lifecycle Management and Marketing Submission
          Recommendations", DRAFT, January 2025 (docket FDA-2024-D-4488), our words, not the agency's. Still a draft when this
          table was written: check before use. Rows on change control: final guidance of December 2024 (FDA-2022-D-2628).
By        "ledger": filled here; "partly": a person must add to it; "person": only a person can write it
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Filler = Literal["ledger", "partly", "person"]


class Asked(NamedTuple):
    """One thing asked: section of the guidance, place in a submission, what, where it is answered here, by whom."""

    section: str
    place: str
    what: str
    answered: str
    by: Filler


ASKED: tuple[Asked, ...] = (
    Asked("V", "Device Description", "says that AI is used", "2", "ledger"),
    Asked("V", "Device Description", "inputs and outputs, and what they must be compatible with", "2", "partly"),
    Asked("V", "Device Description", "how AI serves the intended use, beside other functions", "2", "person"),
    Asked("V", "Device Description", "users, their training, place of use, workflow", "2", "person"),
    Asked("V", "Device Description", "what can be configured, operating points and how they were chosen", "2, 8", "ledger"),
    Asked("VI.A", "Software Description", "what the user sees, with examples", "3", "partly"),
    Asked("VI.B", "Labeling", "inputs, outputs, automation, limits in the user's words", "4", "partly"),
    Asked(
        "VI.B", "Labeling", "development data and performance with intervals, by subgroup and operating point", "4, 6, 8", "ledger"
    ),
    Asked("VII", "Risk Management File", "risk plan, assessment and controls, risks of information included", "5", "person"),
    Asked(
        "VIII",
        "Software Description (dev) + Performance Testing (test)",
        "collection: sources, sites, period, size, limits",
        "6",
        "partly",
    ),
    Asked(
        "VIII",
        "Software Description (dev) + Performance Testing (test)",
        "cleaning, missing data, inclusion, exclusion",
        "6",
        "ledger",
    ),
    Asked(
        "VIII", "Software Description (dev) + Performance Testing (test)", "reference standard: how made, how sure", "6", "partly"
    ),
    Asked("VIII", "Software Description (dev) + Performance Testing (test)", "annotation, where people made labels", "6", "person"),
    Asked(
        "VIII",
        "Software Description (dev) + Performance Testing (test)",
        "storage, versions, independence of development and test",
        "6",
        "ledger",
    ),
    Asked(
        "VIII",
        "Software Description (dev) + Performance Testing (test)",
        "whether the data stand for the intended patients",
        "6, 8",
        "partly",
    ),
    Asked(
        "IX",
        "Software Description",
        "model: inputs, architecture, features, fitting, tuning, calibration, thresholds",
        "7",
        "ledger",
    ),
    Asked("X", "Software testing as part of V&V", "versions, and tested against released", "7", "partly"),
    Asked("X.A", "Performance Testing", "protocol and analysis plan, fixed before the test", "8", "partly"),
    Asked("X.A", "Performance Testing", "results by test and subgroup; team of human and AI where it aids", "8", "partly"),
    Asked("X", "Performance Testing", "human factors and usability", "9", "person"),
    Asked("XI", "Risk Management File", "plan to watch performance in use", "10", "partly"),
    Asked("XII", "Cybersecurity/Interoperability", "threats, bill of materials, tests, protection of data", "11", "partly"),
    Asked("XIII", "Administrative Documentation", "public summary (model card)", "12", "ledger"),
    Asked("PCCP-1", "PCCP", "modifications, each with its reason", "13", "person"),
    Asked("PCCP-2", "PCCP", "protocol: data", "13", "person"),
    Asked("PCCP-3", "PCCP", "protocol: training again", "13", "person"),
    Asked("PCCP-4", "PCCP", "protocol: test and acceptance", "13", "person"),
    Asked("PCCP-5", "PCCP", "protocol: putting an update into use", "13", "person"),
    Asked("PCCP-6", "PCCP", "impact assessment", "13", "person"),
)
