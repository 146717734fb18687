"""The page on which a person looks for what de-identification missed: texts with their replacements marked, and two buttons.

In        a drawn sample of de-identified texts
Out       one self-contained HTML file. Verdicts stay in the browser (counts by text, no text) and are saved as a JSON file
Standard  Content Security Policy Level 3: the one script of the page is allowed by its hash, and nothing may be fetched or sent
Refuses   to show original text unless the samples hold it: it is PHI, and so is then the page
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from bedside.deidentify.review import SCHEMA_NAME, Sample
from bedside.deidentify.spans import Span
from bedside.report.document import facts, paragraph
from bedside.report.markup import Markup, element, join
from bedside.report.style import sheet

_STYLE = """
article { border-top:1px solid var(--line); padding:1rem 0; }
article:focus { outline:3px solid var(--risk); outline-offset:4px; }
article pre { white-space:pre-wrap; overflow-wrap:anywhere; font:inherit; background:var(--faint); padding:.8rem 1rem; margin:.6rem 0; }
article[data-state=leak] { border-left:6px solid var(--logistic); padding-left:.8rem; }
article[data-state=over] { border-left:6px solid var(--edge); padding-left:.8rem; }
article[data-state=clean] { border-left:6px solid var(--news2); padding-left:.8rem; }
mark { background:var(--note); color:inherit; border-bottom:2px solid var(--edge); }
mark::after { content:" " attr(data-kind); font-size:.7rem; color:var(--soft); }
.bar-of-verdicts { position:sticky; top:0; background:var(--paper); padding:.6rem 0; border-bottom:1px solid var(--line); display:flex; gap:1rem; flex-wrap:wrap; }
button { font:inherit; padding:.25rem .8rem; margin-right:.4rem; }
button[aria-pressed=true] { outline:2px solid var(--news2); }
"""
_PHI = "This page shows the original texts. It is protected health information: keep it where the raw files are, and delete it after the review."
_ASKED = (
    "For each text: is there anything left that tells who the patient is, or a relative, employer or household member? Then mark a leak for "
    "each. Was a clinical word taken out? Then mark an over-redaction. Else mark the text as clean. "
    "Keys: j and k next and previous text, c clean, l leak, o over-redaction (with shift one less), s save."
)


def page(samples: Sequence[Sample], *, title: str, policy: str, digest: str) -> str:
    """The whole page.

    title    what was de-identified
    policy   name of the policy
    digest   of the de-identified output, so that verdicts can be tied to it
    """
    drawn = sha256("\n".join(one.id for one in samples).encode()).hexdigest()[:12]
    about = json.dumps({"schema": SCHEMA_NAME, "policy": policy, "digest": digest, "drawn": drawn}).replace("<", "\\u003c")
    shown = any(one.original is not None for one in samples)
    groups = Counter(one.group for one in samples if one.group)
    body = join(
        [
            paragraph("Human review · Bedside", kind="kind"),
            element("h1", title),
            element("p", _PHI, class_="banner", role="note") if shown else None,
            paragraph(_ASKED),
            facts(("Texts", len(samples)), ("Policy", policy), ("Output", element("code", digest)),
                  ("Drawn from", ", ".join(f"{name} {many}" for name, many in sorted(groups.items())) or None)),
            element("div", element("span", role="status", id="progress"), element("button", "Save verdicts", type="button", id="save"), class_="bar-of-verdicts"),
            [_article(at, one, len(samples)) for at, one in enumerate(samples, 1)],
            element("noscript", element("p", "This page counts with a script of its own; allow it.", class_="banner")),
            element("script", Markup(about), type="application/json", id="about"),
            element("script", Markup(_script())),
        ],
        between="\n",
    )  # fmt: skip
    return "<!doctype html>\n" + element("html", _head(title), "\n", element("body", body), lang="en") + "\n"


def _head(title: str) -> Markup:
    allowed = b64encode(sha256(_script().encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{allowed}'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="robots", content="noindex"),
        element("title", title),
        element("style", Markup(sheet() + _STYLE)),
    )


@cache
def _script() -> str:
    return files("bedside.report").joinpath("review.js").read_text(encoding="utf-8")


def _article(at: int, sample: Sample, of: int) -> Markup:
    heading = f"text-{at}"
    said = element("pre", _marked(sample.text, sample.spans))
    if sample.original is not None:
        before = element("div", element("h3", "Original"), element("pre", _marked(sample.original, sample.original_spans)))
        said = element("div", before, element("div", element("h3", "De-identified"), said), class_="pair")
    return element(
        "article",
        element("h2", f"Text {at} of {of}", id=heading),
        said,
        _buttons(),
        tabindex=0,
        aria_labelledby=heading,
        data_id=sample.id,
        data_replaced=len(sample.spans),
    )


def _buttons() -> Markup:
    def button(does: str, said: str, **more: str) -> Markup:
        return element("button", said, type="button", data_do=does, **more)

    return element(
        "p",
        button("clean", "Clean", aria_pressed="false"),
        button("leak", "Leak"),
        button("unleak", "One less", aria_label="One leak less"),
        "Leaks ", element("b", "0", data_says="leaks"), " ",
        button("over", "Over-redaction"),
        button("unover", "One less", aria_label="One over-redaction less"),
        "Over-redactions ", element("b", "0", data_says="over"),
    )  # fmt: skip


def _marked(text: str, spans: Sequence[Span]) -> Markup:
    """The text with its replacements marked by kind."""
    parts, at = list[Markup | str](), 0
    for start, end, kind in sorted(spans):
        if start < at or end > len(text):
            continue
        parts += [text[at:start], element("mark", text[start:end], data_kind=kind, title=kind)]
        at = end
    return join([*parts, text[at:]])
