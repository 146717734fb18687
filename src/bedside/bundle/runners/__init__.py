"""One runner a kind of model: weights as bytes in, margins out. `table` lists them; no runner knows calibration."""
