"""A made hospital in five formats, marked as made. `bedside.demo.hospital.write` makes it."""
