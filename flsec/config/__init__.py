"""What an experiment is: frozen dataclasses <-> YAML, checked strictly."""
