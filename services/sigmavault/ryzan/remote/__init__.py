"""Answers by other servers with OpenAI's API, through a relay that has the network this service lacks."""
