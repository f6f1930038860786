// The light or dark theme: that of the system until the user selects one.

const KEY = 'mien.theme'

export function startTheme(button) {
  const stored = localStorage.getItem(KEY)
  if (stored) apply(stored)
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark'
    localStorage.setItem(KEY, theme)
    apply(theme)
  })
}

function isDark() {
  const selected = document.documentElement.dataset.theme
  return selected ? selected === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
}

function apply(theme) {
  document.documentElement.dataset.theme = theme
}
