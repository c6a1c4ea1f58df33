"""What lies on disk between two stages: probes, clouds, diagrams, curves and projections."""
