"""What an experiment is: frozen dataclasses and YAML."""
