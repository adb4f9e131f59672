"""What the Ansible roles are told about the image."""

from __future__ import annotations

import json

from scripts.spec.select import Image


def role_vars(image: Image) -> str:
    """Extra variables for `roles/site.yml`, as JSON."""
    spec = image.spec
    budgets = spec.budgets
    values = {
        "sigmavault_name": spec.name,
        "sigmavault_version": spec.version,
        "sigmavault_suite": spec.suite,
        "sigmavault_areas": spec.areas,
        "sigmavault_variant": image.variant.value,
        "sigmavault_target": image.target.value,
        "sigmavault_features": image.feature_names,
        "sigmavault_roles": image.roles,
        "sigmavault_locale": spec.locale,
        "sigmavault_keyboard": spec.keyboard,
        "sigmavault_timezone": spec.time_zone,
        "sigmavault_hostname": spec.hostname,
        "sigmavault_model": spec.model,
        "sigmavault_budgets": {
            "cpu_percent": budgets.model_cpu_percent,
            "cpu_serving_percent": budgets.model_cpu_serving_percent,
            "memory_percent": budgets.model_memory_percent,
            "arc_percent": getattr(budgets.arc_percent, image.variant),
        },
    }
    return json.dumps(values, indent=2) + "\n"
