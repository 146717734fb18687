"""The rounds of a federated fit, as the coordinator walks them: it sees what crosses, and no row.

In        a plan, a transport to the sites, a folder for the bundle
Out       a `Federation`: the bundle's files, each site's figures and signed receipt, what happened in every round
Order     join (task and features are compared) -> updates, round by round -> groups -> bundle sealed -> test at each site -> receipts
Failure   a site that does not answer has vanished for that question: the run stops, or goes on with a quorum, as [model.federated] says.
          An update that is not finite, beyond `largest_update` or not of its declared shape is quarantined and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.core import canonical
from bedside.core.errors import Malformed, Refused, Unusable
from bedside.core.federable import Sealing
from bedside.federate.channel import REASONS, Channel, Crossed, Kind, Message, floats
from bedside.federate.plan import SIZES, Plan, under, within
from bedside.federate.receipt import Signed, genuine
from bedside.federate.records import SCHEMA_NAME, Federation, Round, SiteResult
from bedside.federate.transport import Transport

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]



class Coordinator:
    """One run."""

    def __init__(self, plan: Plan, transport: Transport, *, rounds: int | None = None, made: bool = False,
                 say: Callable[[str], None] = lambda _: None) -> None:  # fmt: skip
        self.plan, self._transport, self._made, self._say = plan, transport, made, say
        self.sites, self.rounds = sorted(transport.sites), rounds or plan.options.rounds
        self.run = canonical.digest([plan.digest, self.sites, self.rounds])
        self._channels = {site: Channel(site) for site in self.sites}
        self._from, self._to = plan.from_site(), plan.to_site()
        self._training, self._history = dict[str, str](), list[Round]()
        self._gone: dict[str, list[str]] = {site: [] for site in self.sites}
        self._discredited = set[str]()  # digests of answers that came and were not used

    def federate(self, columns: str, out: Path) -> Federation:
        """Walk the whole run and seal the bundle at `out`.

        columns   digest of the feature definition's column names, which each site must have
        """
        summaries, sizes = self._join(columns)
        state = self._fit(summaries, sizes)
        digest = self._seal(state, summaries, out)
        files = {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
        tested = self._ask("test", list(summaries), told={"bundle": digest}, files=files, answer="figures")
        signed = self._receipts(list(summaries), digest)
        results = [self._result(site, summaries, tested.get(site), signed.get(site)) for site in summaries]
        told = {name: array.ravel().tolist() for name, array in state.items()}
        absent = [site for site in self.sites if site not in summaries]
        return Federation(SCHEMA_NAME, self.run, self.plan.digest, self._history, results, digest, files, told, absent)

    # --- the order of a run ----------------------------------------------------------------------------

    def _join(self, columns: str) -> tuple[dict[str, dict[str, Floats]], dict[str, Floats]]:
        messages = self._messages("join", self.sites, told={"plan": self.plan.digest, "columns": columns}, answer="statistics")
        self._training = {f"cohort of {site}": message.told.get("cohort", "") for site, message in messages.items()}
        answers = {site: {name: floats(one) for name, one in message.arrays.items()} for site, message in messages.items()}
        wrong = [site for site, arrays in answers.items() if not all(np.isfinite(one).all() for one in arrays.values()) or arrays["size"].min() < 0]
        if wrong:
            raise Refused(f"the sums of {', '.join(wrong)} hold numbers that are none", where="join", do="look into these sites, or leave them out")
        few = [site for site, arrays in answers.items() if arrays["size"][1] < self.plan.options.least_subjects]
        if few:
            raise Refused(f"too few subjects at {', '.join(few)}", where="join", do="leave these sites out: what they send would speak of few people")
        return answers, {site: arrays["members"] for site, arrays in answers.items()}

    def _fit(self, summaries: Mapping[str, dict[str, Floats]], sizes: Mapping[str, Floats]) -> dict[str, Floats]:
        state: dict[str, Floats] = {}
        for output, fit in self.plan.fits.items():
            state |= under(output, fit.initial({site: {**within(output, arrays), "size": arrays["size"], "members": arrays["members"]}
                                                for site, arrays in summaries.items()}))  # fmt: skip
        for number in range(self.rounds):
            state = self._round(number, state, sizes)
            self._say(f"round {number + 1} of {self.rounds}")
        return state

    def _round(self, number: int, state: dict[str, Floats], sizes: Mapping[str, Floats]) -> dict[str, Floats]:
        main = self.plan.fits[self.plan.main]
        invited = main.invited(number, sorted(sizes))
        bad: dict[str, str] = {}
        answers = self._ask("update", invited, number=number, arrays=state, quarantine=bad)
        vanished = [site for site in invited if site not in answers and site not in bad]
        good = {}
        for site, arrays in answers.items():
            if reason := self._strange(arrays):
                bad[site] = reason
                self._discredited.add(self._channels[site].journal[-1].sha256)
            else:
                good[site] = arrays
        if not good:
            raise Unusable("no update of this round can be used", where=f"round {number + 1}: {_told(bad) or 'nobody answered'}",
                           do="look into these sites; a smaller learning_rate helps where updates run away")  # fmt: skip
        self._enough(good, invited, f"round {number + 1}", bad)
        after: dict[str, Floats] = {}
        for output, fit in self.plan.fits.items():
            own = {site: within(output, good[site]) for site in sorted(good)}
            after |= under(output, fit.aggregate(within(output, state), own, sizes))
        self._history.append(Round(number, invited, vanished, bad, digest_of(after)))
        return after

    def _strange(self, arrays: Mapping[str, Floats]) -> str:
        """Why an update cannot be used; empty when it can. Its size and sense are for the fit itself to judge."""
        if not all(np.isfinite(one).all() for one in arrays.values()):
            return "not a finite number"
        return next((reason for output, fit in self.plan.fits.items() if (reason := fit.faults(within(output, arrays)))), "")

    def _seal(self, state: Mapping[str, Floats], summaries: dict[str, dict[str, Floats]], out: Path) -> str:
        pillar, plan = self.plan.pillar, self.plan
        edges = pillar.histograms({site: within(plan.main, arrays) for site, arrays in summaries.items()})
        answers = self._ask("summary", list(summaries), arrays={**state, "edges": edges}, answer="summary")
        groups = {output: np.concatenate([arrays[f"{output}/groups"] for arrays in answers.values()]) for output in plan.fits}
        histograms = {"edges": edges, "counts": np.sum([arrays["histograms"] for arrays in answers.values()], axis=0)}
        sizes = np.array([arrays["size"] for arrays in summaries.values()])
        # a site with a small cell tells no outcome counts: then nobody's are added up, since a sum of the rest would mislead
        counts = {name: int(total) for name, total in zip(SIZES, sizes.sum(axis=0), strict=True)}
        counts |= {} if sizes[:, -1].all() else dict.fromkeys(("rows_with_outcome", "subjects_with_outcome"), -1)
        fitted = {output: fit.finish(within(output, state)) for output, fit in plan.fits.items()}
        main = {site: within(plan.main, arrays) for site, arrays in summaries.items()}
        told = {"sites": len(summaries), "rounds": self.rounds, "options": msgspec.to_builtins(plan.options), "run": self.run}
        return pillar.seal(plan.task, plan.model, Sealing(fitted, groups, histograms, main, counts, told, self._made, self._training), out=out)

    def _receipts(self, sites: list[str], bundle: str) -> dict[str, Signed]:
        """Receipts that are genuine, of this run and this bundle, and own up to every answer that was used here."""
        seen = {site: [one for one in self._channels[site].journal if one.direction == "from" and one.sha256 not in self._discredited] for site in sites}
        answers = self._messages("receipt", sites, told={"bundle": bundle})
        found: dict[str, Signed] = {}
        for site, message in answers.items():
            signed = Signed(**message.told)
            if not genuine(signed) or not _agrees(signed, site, self.run, bundle, seen[site]):
                raise Refused(f"the receipt of {site} is not genuine, or tells of another run", where="receipts",
                              do="do not use this bundle before it is known why")  # fmt: skip
            found[site] = signed
        return found

    # --- one question ----------------------------------------------------------------------------------

    def _ask(self, kind: Kind, sites: list[str], *, number: int = 0, arrays: Mapping[str, Floats] | None = None, answer: Kind | None = None,
             told: Mapping[str, str] | None = None, files: Mapping[str, bytes] | None = None,
             quarantine: dict[str, str] | None = None) -> dict[str, dict[str, Floats]]:  # fmt: skip
        found = self._messages(kind, sites, number=number, arrays=arrays, told=told, files=files, answer=answer or kind, quarantine=quarantine)
        return {site: {name: floats(one) for name, one in message.arrays.items()} for site, message in found.items()}

    def _messages(self, kind: Kind, sites: list[str], *, number: int = 0, arrays: Mapping[str, Floats] | None = None, answer: Kind | None = None,
                  told: Mapping[str, str] | None = None, files: Mapping[str, bytes] | None = None,
                  quarantine: dict[str, str] | None = None) -> dict[str, Message]:  # fmt: skip
        questions = {site: self._channels[site].pack(kind, self.run, self._to[kind], number=number, arrays=arrays, told=told, files=files, direction="to")
                     for site in sites}  # fmt: skip
        raw = self._transport.ask(questions, timeout_s=self.plan.options.timeout_s)
        rules = {wanted: self._from[wanted] for wanted in (answer or kind, "no")}
        found: dict[str, Message] = {}
        for site in (site for site in sites if site in raw):
            try:
                message = self._channels[site].unpack(raw[site], rules, direction="from")
                if (message.run, message.number) != (self.run, number):
                    self._discredited.add(self._channels[site].journal[-1].sha256)
                    raise Malformed("an answer to another question", where=f"site {site!r}", do="start the run again")
                found[site] = message
            except Malformed as error:
                if quarantine is None:
                    raise
                quarantine[site] = error.what
        self._refusals(found)
        self._missing(kind, number, [site for site in sites if site not in raw])
        if quarantine is None:
            self._enough(found, sites, kind, {})
        return found

    def _refusals(self, found: Mapping[str, Message]) -> None:
        told = [f"{site}: {REASONS[message.told['reason']]}" for site, message in found.items() if message.kind == "no"]
        if told:
            raise Refused("; ".join(told), where=f"{len(told)} of {len(self.sites)} sites", do="give these sites the same study.toml, or leave them out of --sites")

    def _missing(self, kind: str, number: int, sites: list[str]) -> None:
        for site in sites:
            self._gone[site].append(f"round {number + 1}" if kind == "update" else kind)
        if sites and self.plan.options.on_vanished == "stop":
            raise Unusable(f"{', '.join(sites)} did not answer within {self.plan.options.timeout_s:g} s", where=self._at(kind, number),
                           do='bring the site back and give the command again, or set on_vanished = "go-on" and a quorum in [model.federated]')  # fmt: skip

    def _enough(self, answered: Mapping[str, object], asked: list[str], where: str, bad: Mapping[str, str]) -> None:
        options = self.plan.options
        least = options.quorum if options.on_vanished == "go-on" else 1 / len(self.sites)
        if len(answered) < least * len(asked):
            lost = f"; quarantined: {_told(bad)}" if bad else ""
            raise Unusable(f"{len(answered)} of {len(asked)} sites can be used, and the quorum is {options.quorum:g}{lost}", where=where,
                           do="bring the sites back, or lower the quorum in [model.federated]")  # fmt: skip

    def _at(self, kind: str, number: int) -> str:
        return f"round {number + 1} of {self.rounds}" if kind == "update" else kind

    # --- the result ------------------------------------------------------------------------------------

    def _result(self, site: str, summaries: Mapping[str, dict[str, Floats]], tested: Mapping[str, Floats] | None, signed: Signed | None) -> SiteResult:
        size, plan = summaries[site]["size"], self.plan
        figures = {name: tuple(_number(one) for one in row) for name, row in zip(plan.figures, tested["figures"], strict=True)} if tested else {}
        counts = {name: tuple(int(one) for one in row) for name, row in zip(plan.lines, tested["counts"], strict=False)} if tested and tested["counts"].any() else {}
        known: Any = summaries[site].get(f"{plan.main}/known")
        columns = plan.fits[plan.main].columns
        empty = [name for name, many in zip(columns, known, strict=True) if not many] if known is not None else []
        return SiteResult(site, int(size[0]), int(size[1]), figures, counts, empty, _apart(site, summaries, plan), signed,  # type: ignore[arg-type]
                          list(self._channels[site].journal), list(self._gone[site]))  # fmt: skip


def digest_of(state: Mapping[str, Floats]) -> str:
    """Digest of a state, to the last bit."""
    return canonical.digest({name: np.ascontiguousarray(one, dtype="<f8").tobytes().hex() for name, one in sorted(state.items())})


def _agrees(signed: Signed, site: str, run: str, bundle: str, seen: list[Crossed]) -> bool:
    told = signed.told
    return (told.site, told.run, told.bundle) == (site, run, bundle) and set(seen) <= set(told.crossings)


def _apart(site: str, summaries: Mapping[str, dict[str, Floats]], plan: Plan) -> list[str]:
    """Columns that lie far from the other sites'."""
    own, rest = within(plan.main, summaries[site]), [within(plan.main, arrays) for name, arrays in summaries.items() if name != site]
    if not rest or "squares" not in own:
        return []
    known, total, squares = (np.sum([one[name] for one in rest], axis=0) for name in ("known", "total", "squares"))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, here = total / known, own["total"] / own["known"]
        far = np.abs(here - mean) > 3 * np.sqrt(np.maximum(squares / known - mean**2, 0.0))
    return [name for name, one in zip(plan.fits[plan.main].columns, far, strict=True) if one]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _told(bad: Mapping[str, str]) -> str:
    return ", ".join(f"{site} ({why})" for site, why in bad.items())
