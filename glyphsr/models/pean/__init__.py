"""PEAN (Zhao et al., ACM MM 2024): attention along strips, guided by a text prior that a diffusion step enhances."""
