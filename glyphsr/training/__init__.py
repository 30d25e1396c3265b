"""The command ``train``: the trainer, its objectives, checkpoints and reports."""
