"""Pure functions of tensors that rules, attacks and measures share."""
