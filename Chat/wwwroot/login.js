// The code of the link is spent by this form and not by the link itself, which mail scanners and previews open too.
document.getElementById('with-code')?.submit();
