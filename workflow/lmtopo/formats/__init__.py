"""What lies on disk between two stages: probes, clouds and diagrams."""
