"""Answers by model processes of this machine."""
