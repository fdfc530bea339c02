"""How far ε and B may be multiplied together before training changes."""
