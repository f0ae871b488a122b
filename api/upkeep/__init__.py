"""What goes on from flush to flush: searches, watches, calibration, and long acts of staff."""
