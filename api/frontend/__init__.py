"""What our own commands ask of a server, as any front-end would."""
