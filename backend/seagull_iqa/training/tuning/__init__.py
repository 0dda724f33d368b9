"""Fine-tuning seagull-mini on one person's labels: few of them, on a laptop, with figures that prove it."""
