#!/bin/bash
#$ -N duel_c
#$ -S /bin/bash
#$ -cwd
#$ -r y
#$ -j y
#$ -o /dev/null
#$ -hold_jid 7,8
#$ -l h_rt=60

exec >>'/scratch/50% done/logs/'"collect.${JOB_ID}.log" 2>&1
export QVAR_STOP_AT=$(( $(date +%s) + 50 ))
export OMP_NUM_THREADS=1
export QVAR_QUEUE=grid_engine
exec qvar collect '/scratch/50% done'
