"""The composition root: settings to a running site; nothing else knows everyone."""
