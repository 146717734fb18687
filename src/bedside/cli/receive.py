"""Take in images by C-STORE, ask the study's bundle, and send SEG and SR back."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import folder

_GIB = 1 << 30


@click.command("receive")
@folder
@click.option("--send-to", required=True, metavar="HOST:PORT:AET", help="The archive that gets SEG and SR.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=11112, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--ae-title", default="BEDSIDE", show_default=True, help="Our application entity title.")
@click.option("--from", "callers", multiple=True, metavar="AET", help="Title that may send; repeat. Needed beyond loopback.")
@click.option("--kind", type=click.Choice(["BINARY", "LABELMAP"]), default="BINARY", show_default=True, help="Kind of DICOM SEG.")
@click.option("--quiet-s", type=click.FloatRange(min=0), default=2.0, show_default=True, help="Quiet seconds after which a study is whole.")
@click.option("--max-study-gib", type=click.FloatRange(min=0.001), default=4.0, show_default=True, help="Largest study, kept in memory.")
@click.option("--max-total-gib", type=click.FloatRange(min=0.001), default=8.0, show_default=True, help="All that waits, kept in memory.")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False), help="Our certificate (PEM): TLS both ways.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False), help="Its key (PEM).")
@click.option("--tls-ca", type=click.Path(exists=True, dir_okay=False), help="Authority of both sides' certificates (PEM).")
@click.option("--json", "as_json", is_flag=True, help="Print the address as one JSON object before listening.")
def run(
    study: str, send_to: str, host: str, port: int, ae_title: str, callers: tuple[str, ...], kind: str, quiet_s: float,
    max_study_gib: float, max_total_gib: float, tls_cert: str | None, tls_key: str | None, tls_ca: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Take in images by DICOM C-STORE, segment them with the study's bundle, and send SEG and SR to an archive.

    The model is not a cleared device; what it draws is for research until it is.
    """
    import msgspec

    from bedside.pillars.imaging.exchange.inbox import Limits
    from bedside.pillars.imaging.exchange.secure import Certificates
    from bedside.study.receive import receive

    def announce(at: str, listening: int) -> None:
        told = msgspec.json.encode({"host": at, "port": listening, "ae_title": ae_title}).decode()
        click.echo(told if as_json else f"DICOM C-STORE at {at}:{listening}, title {ae_title} (interrupt to stop)")

    if any((tls_cert, tls_key, tls_ca)) and not (tls_cert and tls_key and tls_ca):
        raise click.UsageError("--tls-cert, --tls-key and --tls-ca go together")
    tls = Certificates(Path(tls_cert), Path(tls_key), Path(tls_ca)) if tls_cert and tls_key and tls_ca else None
    limits = Limits(quiet_s=quiet_s, study_bytes=int(max_study_gib * _GIB), total_bytes=int(max_total_gib * _GIB))
    receive(Path(study), host=host, port=port, ae_title=ae_title, send_to=send_to, callers=callers, kind="LABELMAP" if kind == "LABELMAP" else "BINARY",
            limits=limits, tls=tls, announce=announce)  # fmt: skip
