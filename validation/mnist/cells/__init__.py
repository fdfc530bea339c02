"""What sweeps run: networks trained and measured, in numbers and text; their results depend on no other file here."""
