"""From a checkpoint and a scan to lesion probabilities and a mask on the scan's own grid."""
