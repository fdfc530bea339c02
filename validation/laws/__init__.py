"""Cases around one minimum, with the exact laws that they are held against."""
