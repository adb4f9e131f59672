"""Setting this machine up: reads what there is, carries a plan out, and keeps how far it came."""
