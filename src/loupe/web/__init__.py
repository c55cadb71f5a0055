"""The browser page and its server: thin; reads run folders, asks `using` and `inspection`.

`…_answers` say what the interface answers, `routes/` which address gives it, `guards` who may ask and how
much, `page/` is what the browser loads: plain HTML, CSS and JavaScript modules, nothing from elsewhere.
"""
