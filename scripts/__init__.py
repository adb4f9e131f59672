"""The build orchestrator of SigmaVault: from `image.yaml` to a tested image.

`scripts.host` runs on the machine that builds and uses the standard library alone; everything else
runs inside the tools tree (see `docs/architecture.md`).
"""
