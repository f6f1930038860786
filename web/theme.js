// Light or dark: as the system says, until the button says otherwise.

const KEY = 'mien.theme'

export function startTheme(button) {
  const chosen = localStorage.getItem(KEY)
  if (chosen) apply(chosen)
  button.addEventListener('click', () => {
    const next = isDark() ? 'light' : 'dark'
    localStorage.setItem(KEY, next)
    apply(next)
  })
}

function isDark() {
  const own = document.documentElement.dataset.theme
  return own ? own === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
}

function apply(theme) {
  document.documentElement.dataset.theme = theme
}
