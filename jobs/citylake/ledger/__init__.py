"""What happened: receipts, the evidence of every step, the seal over both."""
