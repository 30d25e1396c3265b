"""The paper's tables, each by one command: finds or trains its runs, scores them, puts them beside what is printed."""
