#!/bin/bash
#PBS -N duel_c
#PBS -S /bin/bash
#PBS -r y
#PBS -j oe
#PBS -o /dev/null
#PBS -W depend=afterany:7[].pbs:8[].pbs
#PBS -l walltime=00:01:00
#PBS -l select=1:ncpus=1

exec >>'/scratch/50% done/logs/'"collect_${PBS_JOBID}.log" 2>&1
export QVAR_STOP_AT=$(( $(date +%s) + 50 ))
export OMP_NUM_THREADS=1
export QVAR_QUEUE=pbs
cd "${PBS_O_WORKDIR:?}" || exit 1
exec qvar collect '/scratch/50% done'
