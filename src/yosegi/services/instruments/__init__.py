"""Time on a site's instruments: windows, who has one, take-back and giving back."""
