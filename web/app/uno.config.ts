import type { UserConfig } from '@unocss/core'
import presetIcons from '@unocss/preset-icons'
import presetMini from '@unocss/preset-mini'

const token = (name: string) => `var(--${name})`

/** Utilities over the design tokens of src/styles/tokens.css; a value that is not a token has no class. */
export default {
  // Menus are composed in TypeScript, and name their icons there.
  content: { pipeline: { include: [/\.vue($|\?)/, /\/src\/(?!i18n).*\.ts($|\?)/] } },
  presets: [
    presetMini({ preflight: false }),
    presetIcons({ collections: { lucide: () => import('@iconify-json/lucide/icons.json', { with: { type: 'json' } }).then(m => m.default) }, scale: 1.15, extraProperties: { 'display': 'inline-block', 'flex-shrink': '0' } }),
  ],
  theme: {
    colors: {
      canvas: token('canvas'),
      surface: token('surface'),
      raised: token('raised'),
      sunken: token('sunken'),
      hover: token('hover'),
      ink: token('ink'),
      muted: token('ink-muted'),
      faint: token('ink-faint'),
      line: token('line'),
      accent: { DEFAULT: token('accent'), ink: token('accent-ink'), soft: token('accent-soft'), text: token('accent-text') },
      own: { DEFAULT: token('bubble-own'), ink: token('bubble-own-ink') },
      danger: { DEFAULT: token('danger'), soft: token('danger-soft') },
      warn: { DEFAULT: token('warn'), soft: token('warn-soft') },
      online: token('online'),
    },
    fontSize: {
      xs: [token('text-xs'), '1.4'],
      sm: [token('text-sm'), '1.45'],
      base: [token('text-base'), '1.5'],
      lg: [token('text-lg'), '1.4'],
      xl: [token('text-xl'), '1.3'],
      xxl: [token('text-xxl'), '1.2'],
    },
    borderRadius: { sm: token('radius-sm'), md: token('radius-md'), lg: token('radius-lg'), full: '999px' },
    boxShadow: { sm: token('shadow-sm'), md: token('shadow-md'), lg: token('shadow-lg') },
  },
} satisfies UserConfig
