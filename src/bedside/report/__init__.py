"""The one room that draws: records to SVG and self-contained HTML."""
