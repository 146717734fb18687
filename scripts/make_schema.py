"""Write src/bedside/study/study.schema.json anew, after a change to the records of study.toml."""

from pathlib import Path

from bedside.study import schema

Path(schema.__file__).with_name(schema.NAME).write_bytes(schema.made())
