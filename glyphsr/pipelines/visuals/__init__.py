"""What ``visualize`` shows: one file per view, each giving rows of panels."""
