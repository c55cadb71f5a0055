import loupe

written = loupe.write_figures("example", formats=["png"], style="grey", out="figures", replace=True)
print(len(written.files), written.files[0])
