"""The oneshot that applies CPU, memory and ARC budgets at boot."""
