"""Time on instruments: when one may be used, who has it, whether it is calibrated, and whose turn it is."""
